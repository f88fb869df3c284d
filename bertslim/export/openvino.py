"""A checkpoint -> OpenVINO IR, a graph and its weights, in float32 or quantised to int8."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from bertslim.export.exporting import exporting
from bertslim.export.int8_range import MOST_OF_PAIR, pair_sums
from bertslim.export.model_inputs import ANSWERS_ALONE, input_axes, sample_inputs
from bertslim.measure.telemetry import without_telemetry
from bertslim.model.checkpoint import Checkpoint, sharing_copy
from bertslim.quiet import quiet_process
from bertslim.records import Int8Products

if TYPE_CHECKING:
    import openvino

without_telemetry()

_BLOCK = 1 << 16
_MAKE_FLOATS = ("Multiply", "Subtract", "Convert")  # what stands behind an int8 constant


def convert(checkpoint: Checkpoint) -> openvino.Model:
    """Make the OpenVINO graph of a model; its weights become float32, also in the checkpoint.

    Inputs and outputs have the names that they have in ONNX, and all axes of the inputs are free.

    Raises:
        BertslimError: transformers cannot export it.
    """
    checkpoint.model.float()
    with exporting(checkpoint, "OpenVINO"):
        from transformers.exporters.configs import OpenVINOConfig
        from transformers.exporters.exporter_openvino import OpenVINOExporter

        sample = sample_inputs(checkpoint)
        config = OpenVINOConfig(dynamic_shapes=dict.fromkeys(sample, input_axes(checkpoint)))
        model = sharing_copy(checkpoint.model)
        exported = OpenVINOExporter().export(model, sample | ANSWERS_ALONE, config=config)
    return exported.program


def quantize_static(
    model: openvino.Model, calibration: Sequence[dict[str, Tensor]], checkpoint: Checkpoint
) -> openvino.Model:
    """Return the graph with int8 weights, and activations in ranges that are fixed.

    Args:
        model: As `convert` makes it.
        calibration: Calls of the model, by input, from which the ranges are taken.
        checkpoint: What the graph was made of, for messages.

    Raises:
        BertslimError: NNCF cannot quantise it.
    """
    with exporting(checkpoint, "OpenVINO in int8"):
        from transformers.exporters.configs import ExportFormat
        from transformers.exporters.quantizers.quantizer_nncf import (
            NNCFOpenVINOQuantizer,
            NNCFQuantizationConfig,
        )

        config = NNCFQuantizationConfig(subset_size=len(calibration))
        quantizer = NNCFOpenVINOQuantizer(config, calibration)
        return quantizer.quantize(model, {}, ExportFormat.OPENVINO)


def count_products(model: openvino.Model) -> Int8Products:
    """Count the products with an int8 weight, and those in which a pair may saturate.

    Args:
        model: As `quantize_static` makes it.
    """
    sums = [int(pair_sums(weight.int()).max()) for weight in _int8_weights(model)]
    return Int8Products(number=len(sums), saturating=sum(most > MOST_OF_PAIR for most in sums))


def _int8_weights(model: openvino.Model) -> Iterator[Tensor]:
    """Yield the weight of each product that has one in int8, (out, in)."""
    for node in model.get_ops():
        if node.get_type_name() != "MatMul":
            continue
        source = node.input_value(1).get_node()
        while source.get_type_name() in _MAKE_FLOATS:
            source = source.input_value(0).get_node()
        if source.get_type_name() == "Constant" and source.data.dtype == np.int8:
            weight = torch.tensor(source.data)
            yield weight if node.get_attributes()["transpose_b"] else weight.T


def save(model: openvino.Model, graph: Path, weights: Path) -> None:
    """Write the IR.

    Args:
        model: The graph with its weights.
        graph: The file of the graph, .xml.
        weights: The file of the weights, .bin.

    Raises:
        OSError: The disk is full, which OpenVINO does not notice, or does not say so.
    """
    with quiet_process():
        import openvino

        try:
            openvino.serialize(model, graph, weights)
        except RuntimeError as error:
            if "iostream error" not in str(error):
                raise
            raise OSError("OpenVINO cannot write on, as where no space is left") from error
    for path in (graph, weights):
        _check_room(path)


def _check_room(path: Path) -> None:
    """Write a little more, and take it away again: where that fails, not all of it is there."""
    with path.open("ab") as file:
        size = file.tell()
        file.write(bytes(_BLOCK))
        file.flush()
        os.truncate(path, size)
