"""`bertslim report`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bertslim.cli.chosen_result import chosen_result
from bertslim.cli.options import DebugOption, ForceOption, JsonOption
from bertslim.errors import InputError


def report(
    directories: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[DIR]...",
            help="A result of bertslim, or several to be compared. By default the current "
            "directory if it is one, else the newest one directly under it.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="Write a directory instead: report.md, report.html, and each picture as SVG and "
            "PNG.",
            show_default=False,
        ),
    ] = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Print the report of a result again, or compare several.

    \b
    Examples:
      bertslim report
      bertslim report ./bert-base-uncased-drop_odd
      bertslim report ./model-drop_odd ./model-halve_width ./model-quarter_width_repaired
      bertslim report ./model-drop_odd --output pages
      bertslim report --json | jq '.measurements[] | select(.name == "latency")'
    """
    from bertslim.pipeline.report import report_of
    from bertslim.records import read_record

    if as_json and output is not None:
        raise InputError("give one of --json and --output", where="--output")
    chosen: Sequence[Path | None] = directories or [None]
    records = [read_record(chosen_result(one)) for one in chosen]
    if as_json:
        one_by_one = (record.to_json().rstrip("\n") for record in records)
        text = ",\n".join(one_by_one)
        typer.echo(text if len(records) == 1 else f"[\n{text}\n]")
        return
    made = report_of(records)
    if output is None:
        typer.echo(made.markdown, nl=False)
        return
    made.write(output, force=force)
    typer.echo(f"Written to {output}.")
