"""`bertslim export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bertslim.cli.options import (
    DATA_HELP,
    DebugOption,
    EvalDataOption,
    ForceOption,
    JsonOption,
    LabelColumnOption,
    QuietOption,
    ResultArgument,
    SeedOption,
    TaskOption,
    TextColumnOption,
    ThreadsOption,
    chosen_result,
    data_options,
    usable_threads,
)
from bertslim.errors import InputError

if TYPE_CHECKING:
    from bertslim.commands.export import ExportResult
    from bertslim.export.formats import Format
    from bertslim.export.parity import Precision


def export(
    directory: ResultArgument = None,
    onnx: Annotated[bool, typer.Option("--onnx", help="Write ONNX, in float32.")] = False,
    openvino: Annotated[
        bool,
        typer.Option("--openvino", help="Write OpenVINO IR, .xml and .bin, in float32."),
    ] = False,
    torch: Annotated[
        bool, typer.Option("--torch", help="Write a program of torch.export, in float32.")
    ] = False,
    fp16: Annotated[
        bool, typer.Option("--fp16", help="ONNX with weights in float16, for GPUs.")
    ] = False,
    int8: Annotated[
        bool,
        typer.Option(
            "--int8",
            help="ONNX or IR with int8 products, for CPUs; in ONNX, what int8 would spoil stays in "
            "float32.",
        ),
    ] = False,
    int8_static: Annotated[
        bool,
        typer.Option(
            "--int8-static",
            help="ONNX as with --int8, the ranges of activations settled by texts, not call by "
            "call.",
        ),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="The file to write.",
            show_default="model.onnx, openvino_model.xml or model.pt2 in DIR, with _fp16, _int8 "
            "or _int8_static before the dot",
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            help="Texts to make int8 by and judge it on, labelled if accuracy is to be known. "
            f"{DATA_HELP}",
            show_default="builtin:pydocs, for fidelity alone",
        ),
    ] = None,
    eval_data: EvalDataOption = None,
    text_column: TextColumnOption = None,
    label_column: LabelColumnOption = None,
    task: TaskOption = None,
    seed: SeedOption = 0,
    threads: ThreadsOption = None,
    force: ForceOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Write a result, or any other checkpoint directory, for another runtime.

    The file takes any batch and any length. Before it gets its name it must answer as PyTorch does,
    on one token, on several, with padding on either side or nothing else, and on as many tokens as
    the model can take. The record and the report of a result tell of its files. A file that is
    written elsewhere gets the configuration and the tokenizer beside it.

    \b
    Examples:
      bertslim export --onnx
      bertslim export ./my-classifier-drop_odd --onnx --int8 --data reviews.csv
      bertslim export ./bert-base-uncased-drop_odd --onnx -o serve/model.onnx
      bertslim export ./my-classifier-drop_odd --openvino
      bertslim export ./my-classifier-drop_odd --torch
    """
    from bertslim.commands.export import ExportOptions, export_checkpoint
    from bertslim.progress import Progress

    chosen = _format(onnx=onnx, openvino=openvino, torch=torch)
    options = ExportOptions(
        chosen_result(directory, quiet=quiet),
        output,
        format=chosen,
        precision=_precision(fp16=fp16, int8=int8, int8_static=int8_static),
        data=data_options(data, eval_data, text_column, label_column, task),
        threads=usable_threads(threads),
        seed=seed,
        force=force,
    )
    result = export_checkpoint(options, Progress(visible=False if quiet or as_json else None))
    if as_json:
        typer.echo(_as_json(result))
    elif not quiet:
        typer.echo(_as_text(result))


def _format(*, onnx: bool, openvino: bool, torch: bool) -> Format:
    from bertslim.export.formats import Format

    asked = {Format.ONNX: onnx, Format.OPENVINO: openvino, Format.TORCH: torch}
    chosen = [one for one, is_asked in asked.items() if is_asked]
    if not chosen:
        raise InputError("no format was chosen", remedy="add --onnx, --openvino or --torch")
    if len(chosen) > 1:
        names = "--onnx, --openvino and --torch"
        raise InputError(f"{names} exclude each other", remedy="export once for each")
    return chosen[0]


def _precision(*, fp16: bool, int8: bool, int8_static: bool) -> Precision:
    asked: dict[Precision, bool] = {"fp16": fp16, "int8": int8, "int8-static": int8_static}
    chosen = [one for one, is_asked in asked.items() if is_asked]
    if len(chosen) > 1:
        names = "--fp16, --int8 and --int8-static"
        raise InputError(f"{names} exclude each other", remedy="export once for each")
    return chosen[0] if chosen else "fp32"


def _as_json(result: ExportResult) -> str:
    import json

    told = {
        "path": str(result.path),
        "opset": result.opset,
        "inputs": result.inputs,
        "outputs": result.outputs,
        "companions": [str(name) for name in result.companions],
    }
    return json.dumps(told | result.record.model_dump(mode="json"), indent=2)


def _as_text(result: ExportResult) -> str:
    from bertslim.report.export_tables import export_line, export_notes
    from bertslim.report.measurement_tables import export_quality
    from bertslim.wording import listed

    opset = f"opset {result.opset}, " if result.opset is not None else ""
    lines = [f"{result.path}: {opset}{export_line(result.record)}"]
    lines += [f"{note}." for note in export_notes(result.record)]
    if result.companions:
        lines.append(f"Beside it are {listed([str(name) for name in result.companions])}.")
    if table := export_quality(result.record):
        lines += ["", table.markdown()]
    return "\n".join(lines)
