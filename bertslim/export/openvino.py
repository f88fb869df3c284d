"""A checkpoint -> OpenVINO IR, a graph and its weights, in float32 or quantised to int8."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from bertslim.export.exporting import exporting
from bertslim.export.model_inputs import ANSWERS_ALONE, input_axes, sample_inputs
from bertslim.export.quiet import quiet_output
from bertslim.model.checkpoint import Checkpoint, sharing_copy

if TYPE_CHECKING:
    import openvino


def convert(
    checkpoint: Checkpoint, calibration: Sequence[dict[str, Tensor]] | None = None
) -> openvino.Model:
    """Make the OpenVINO graph of a model; its weights become float32, also in the checkpoint.

    Inputs and outputs have the names that they have in ONNX, and all axes of the inputs are free.

    Args:
        checkpoint: What to convert.
        calibration: Calls of the model, by input, from which the ranges of int8 are taken; None: it
            is not quantised.

    Raises:
        BertslimError: transformers cannot export it, or NNCF cannot quantise it.
    """
    checkpoint.model.float()
    with exporting(checkpoint, "OpenVINO"):
        from transformers.exporters.configs import OpenVINOConfig
        from transformers.exporters.exporter_openvino import OpenVINOExporter

        sample = sample_inputs(checkpoint)
        config = OpenVINOConfig(
            dynamic_shapes=dict.fromkeys(sample, input_axes(checkpoint)),
            quantizer=None if calibration is None else _quantizer(calibration),
        )
        model = sharing_copy(checkpoint.model)
        exported = OpenVINOExporter().export(model, sample | ANSWERS_ALONE, config=config)
    return exported.program


def _quantizer(calibration: Sequence[dict[str, Tensor]]) -> Any:
    from transformers.exporters.quantizers.quantizer_nncf import (
        NNCFOpenVINOQuantizer,
        NNCFQuantizationConfig,
    )

    config = NNCFQuantizationConfig(subset_size=len(calibration))
    return NNCFOpenVINOQuantizer(config, calibration)


def save(model: openvino.Model, graph: Path, weights: Path) -> None:
    """Write the IR.

    Args:
        model: The graph with its weights.
        graph: The file of the graph, .xml.
        weights: The file of the weights, .bin.
    """
    with quiet_output():
        import openvino

        openvino.serialize(model, graph, weights)
