"""A checkpoint -> one ONNX file in float32, for any batch and any length."""

from __future__ import annotations

from pathlib import Path

import onnx
import onnx_ir
import torch
from transformers.exporters.configs import OnnxConfig
from transformers.exporters.exporter_onnx import OnnxExporter

from bertslim.errors import BertslimError, InputError
from bertslim.export.exporting import exporting, gist
from bertslim.export.fuse import fused
from bertslim.export.graph_passes import add_apart_from_next, fuse_gelu, tidy
from bertslim.export.int8_plan import Int8Plan
from bertslim.export.model_inputs import ANSWERS_ALONE, input_axes, sample_inputs
from bertslim.model.checkpoint import Checkpoint

OPSET = 18  # optimum's
MOST_BYTES = 2**31 - 2**24  # protobuf's limit, less room for the graph


def convert(checkpoint: Checkpoint, int8: Int8Plan | None = None) -> onnx_ir.Model:
    """Make the ONNX graph of a model; its weights become float32, also in the checkpoint.

    Inputs and their axes have the names that optimum gives them, and outputs those of the PyTorch
    model: `logits`, `last_hidden_state`, `start_logits` and `end_logits` …

    Args:
        checkpoint: What to convert.
        int8: What stays in float32 when the graph is quantised; None: it is not quantised.

    Raises:
        InputError: The model is too large for one ONNX file.
        BertslimError: transformers cannot export it.
    """
    checkpoint.model.float()
    _check_size(_bytes(checkpoint.model))
    with exporting(checkpoint, "ONNX"):
        model = _export(checkpoint, int8)
        tidy(model)
        fuse_gelu(model)
    return model


def save(model: onnx_ir.Model, path: Path, *, for_cpu: bool = True) -> None:
    """Write the graph and its weights into one file.

    Args:
        model: The graph.
        path: The file.
        for_cpu: Whether to keep ONNX Runtime from fusing what is slower fused on a CPU.

    Raises:
        InputError: They are too large for one ONNX file.
        BertslimError: What was written is not valid ONNX.
    """
    weights = (value.const_value for value in model.graph.initializers.values())
    _check_size(sum(weight.nbytes for weight in weights if weight is not None))
    if for_cpu:
        add_apart_from_next(model)
    onnx_ir.save(model, path)
    try:
        onnx.checker.check_model(path, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise BertslimError(f"the exported graph is not valid ONNX ({gist(error)})") from error


def _export(checkpoint: Checkpoint, int8: Int8Plan | None) -> onnx_ir.Model:
    axes, sample = input_axes(checkpoint), sample_inputs(checkpoint)
    config = OnnxConfig(dynamic_shapes=dict.fromkeys(sample, axes), opset_version=OPSET)
    exporter = OnnxExporter()
    model_to_export = fused(checkpoint.model, checkpoint.facts, int8)
    exported = exporter.export(model_to_export, sample | ANSWERS_ALONE, config=config)
    model: onnx_ir.Model = exported.program
    _name_axes(model, [axis.__name__ for axis in axes.values()])
    return model


def _name_axes(model: onnx_ir.Model, names: list[str]) -> None:
    """Give the symbols of the inputs' axes their names, wherever they occur in the graph."""
    shape = model.graph.inputs[0].shape
    assert shape is not None  # noqa: S101
    symbols = dict(zip(shape, map(onnx_ir.SymbolicDim, names), strict=True))
    values = [output for node in model.graph for output in node.outputs]
    for value in (*model.graph.inputs, *values):
        if value.shape is not None:
            value.shape = onnx_ir.Shape([symbols.get(axis, axis) for axis in value.shape])


def _bytes(model: torch.nn.Module) -> int:
    return sum(parameter.nbytes for parameter in model.parameters())


def _check_size(needed: int) -> None:
    if needed > MOST_BYTES:
        raise InputError(
            f"the weights need {needed / 2**30:.1f} GiB in float32, one ONNX file can hold 2 GiB",
            remedy="cut more of it first",
        )
