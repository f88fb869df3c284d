"""`bertslim export`."""

from __future__ import annotations

from typing import Annotated

import typer

from bertslim.cli.options import (
    DebugOption,
    Given,
    JsonOption,
    QuietOption,
    ResultArgument,
    takes_options,
)
from bertslim.errors import InputError
from bertslim.export.formats import Format, Precision
from bertslim.options.export import ExportOptions


@takes_options
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
            help="ONNX or IR with int8 products, for CPUs; in ONNX, sensitive parts stay in "
            "float32.",
        ),
    ] = False,
    int8_static: Annotated[
        bool,
        typer.Option(
            "--int8-static",
            help="ONNX as with --int8, the ranges of activations fixed from texts, not per call.",
        ),
    ] = False,
    *,
    given: Given[ExportOptions],
    quiet: QuietOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Write a result, or any other checkpoint directory, for another runtime.

    The file takes any batch and any length. Before it is put in place, its outputs must equal
    PyTorch's, on one token, on several, with padding on either side, with nothing but padding, and
    at the maximum length of the model. The record and the report of a result list its files. Beside
    the file are the configuration and the tokenizer that its runtimes look for.

    \b
    Examples:
      bertslim export --onnx
      bertslim export ./my-classifier-drop_odd --onnx --int8 --data reviews.csv
      bertslim export ./bert-base-uncased-drop_odd --onnx -o serve/model.onnx
      bertslim export ./my-classifier-drop_odd --openvino
      bertslim export ./my-classifier-drop_odd --torch
    """
    chosen = _format(onnx=onnx, openvino=openvino, torch=torch)
    precision = _precision(fp16=fp16, int8=int8, int8_static=int8_static)
    from bertslim.cli.runs.export import run

    run(given, directory, chosen, precision, quiet=quiet, as_json=as_json)


def _format(*, onnx: bool, openvino: bool, torch: bool) -> Format:
    selected = {Format.ONNX: onnx, Format.OPENVINO: openvino, Format.TORCH: torch}
    chosen = [name for name, is_selected in selected.items() if is_selected]
    if not chosen:
        raise InputError("no format was chosen", remedy="add --onnx, --openvino or --torch")
    if len(chosen) > 1:
        names = "--onnx, --openvino and --torch"
        raise InputError(f"{names} exclude each other", remedy="export once for each")
    return chosen[0]


def _precision(*, fp16: bool, int8: bool, int8_static: bool) -> Precision:
    selected: dict[Precision, bool] = {"fp16": fp16, "int8": int8, "int8-static": int8_static}
    chosen = [name for name, is_selected in selected.items() if is_selected]
    if len(chosen) > 1:
        names = "--fp16, --int8 and --int8-static"
        raise InputError(f"{names} exclude each other", remedy="export once for each")
    return chosen[0] if chosen else "fp32"
