"""Run `bertslim export` and print what it writes."""

from __future__ import annotations

import json
from pathlib import Path

from bertslim.cli.options import Given
from bertslim.cli.runs.show import chosen_result, progress_for
from bertslim.commands import export as command
from bertslim.commands.export import ExportResult
from bertslim.export.formats import Format, Precision
from bertslim.options.export import ExportOptions
from bertslim.printable import one_line
from bertslim.report.export_tables import export_line, export_notes
from bertslim.report.measurement_tables import export_quality
from bertslim.terminal import print_json, print_text
from bertslim.wording import listed


def run(
    given: Given[ExportOptions],
    directory: Path | None,
    chosen: Format,
    precision: Precision,
    *,
    quiet: bool,
    as_json: bool,
) -> None:
    """Export a checkpoint and print the account of the file."""
    result_directory = chosen_result(directory, quiet=quiet)
    options = given.make(directory=result_directory, format=chosen, precision=precision)
    result = command.export_checkpoint(options, progress_for(quiet=quiet, as_json=as_json))
    if as_json:
        print_json(_as_json(result))
    elif not quiet:
        print_text(_as_text(result))


def _as_json(result: ExportResult) -> str:
    fields = {
        "path": str(result.path),
        "opset": result.opset,
        "inputs": result.inputs,
        "outputs": result.outputs,
        "companions": [str(name) for name in result.companions],
    }
    return json.dumps(fields | result.record.model_dump(mode="json"), indent=2)


def _as_text(result: ExportResult) -> str:
    opset = f"opset {result.opset}, " if result.opset is not None else ""
    lines = [one_line(f"{result.path}: {opset}{export_line(result.record)}")]
    lines += [one_line(f"{note}.") for note in export_notes(result.record)]
    if result.companions:
        verb = "are" if len(result.companions) > 1 else "is"
        lines.append(f"Beside it {verb} {listed([str(name) for name in result.companions])}.")
    if table := export_quality(result.record):
        lines += ["", table.markdown()]
    return "\n".join(lines)
