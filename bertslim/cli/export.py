"""`bertslim export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bertslim.cli.chosen_result import chosen_result
from bertslim.cli.options import (
    DebugOption,
    ForceOption,
    JsonOption,
    QuietOption,
    ResultArgument,
)
from bertslim.errors import InputError

if TYPE_CHECKING:
    from bertslim.pipeline.export import ExportResult


def export(
    directory: ResultArgument = None,
    onnx: Annotated[bool, typer.Option("--onnx", help="Write ONNX, in float32.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="The file to write.", show_default="model.onnx in DIR"),
    ] = None,
    force: ForceOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Write a result, or any other checkpoint directory, for another runtime.

    The file takes any batch and any length. Before it gets its name it must answer as PyTorch does,
    on one token, on several, with padding, and on as many tokens as the model can take.

    \b
    Examples:
      bertslim export --onnx
      bertslim export ./bert-base-uncased-drop_odd --onnx -o serve/model.onnx
    """
    from bertslim.pipeline.export import export_onnx
    from bertslim.progress import Progress

    if not onnx:
        raise InputError("no format was chosen", remedy="add --onnx")
    found = chosen_result(directory, quiet=quiet)
    progress = Progress(visible=False if quiet or as_json else None)
    result = export_onnx(found, output, progress, force=force)
    if as_json:
        typer.echo(_as_json(result))
    elif not quiet:
        typer.echo(_as_text(result))


def _as_json(result: ExportResult) -> str:
    import json
    from dataclasses import asdict

    return json.dumps(asdict(result) | {"path": str(result.path)}, indent=2)


def _as_text(result: ExportResult) -> str:
    from bertslim.report.numbers import scale_for

    size = scale_for("bytes", result.size).quantity(result.size)
    differs = f"differs from PyTorch by at most {result.difference:.1e} of the largest value"
    return f"{result.path}: {size}, opset {result.opset}, {differs}"
