"""An OpenVINO IR that is called as the PyTorch model is."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import torch
from torch import Tensor

from bertslim.measure.telemetry import without_telemetry
from bertslim.quiet import quiet_process

without_telemetry()

_PRECISION = "INFERENCE_PRECISION_HINT"


class OpenVinoModel:
    """A compiled model on the CPU: `model(**inputs)` has the outputs as attributes.

    Args:
        graph: The .xml file.
        weights: The .bin file.
        precision: What float32 is multiplied in; None: what OpenVINO chooses when the file is
            loaded plainly, bfloat16 on a CPU that has instructions for it.

    Attributes:
        in_bfloat16: Whether float32 is multiplied in bfloat16.
    """

    runtime = "OpenVINO"
    attention = "eager"

    def __init__(
        self, graph: Path, weights: Path, *, precision: Literal["f32", "bf16"] | None = "f32"
    ) -> None:
        with quiet_process():
            import openvino

            core = openvino.Core()
            config: dict[str, Any] = {"INFERENCE_NUM_THREADS": torch.get_num_threads()}
            if precision is not None:
                config[_PRECISION] = precision
            self._model = core.compile_model(core.read_model(graph, weights), "CPU", config)
            self.in_bfloat16 = self._model.get_property(_PRECISION) == openvino.Type.bf16
        self.inputs = tuple(str(port.any_name) for port in self._model.inputs)
        self.outputs = tuple(str(port.any_name) for port in self._model.outputs)

    def __call__(self, **tensors: Tensor) -> SimpleNamespace:
        """Take int64 tensors by name, also such as the graph has no input for."""
        outputs = self._model({name: tensors[name].numpy() for name in self.inputs})
        return SimpleNamespace(**{name: torch.from_numpy(outputs[name]) for name in self.outputs})
