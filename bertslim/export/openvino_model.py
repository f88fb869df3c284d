"""An OpenVINO IR that is called as the PyTorch model is."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import torch
from torch import Tensor

from bertslim.measure.telemetry import without_telemetry
from bertslim.quiet import quiet_process

without_telemetry()


class OpenVinoModel:
    """A compiled model on the CPU: `model(**inputs)` has the outputs as attributes.

    Args:
        graph: The .xml file.
        weights: The .bin file.
        bfloat16: Whether float32 is multiplied in bfloat16, rather than as it is.
    """

    runtime = "OpenVINO"
    attention = "eager"

    def __init__(self, graph: Path, weights: Path, *, bfloat16: bool = False) -> None:
        with quiet_process():
            import openvino

            core = openvino.Core()
            config = {
                "INFERENCE_PRECISION_HINT": "bf16" if bfloat16 else "f32",
                "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            }
            self._model = core.compile_model(core.read_model(graph, weights), "CPU", config)
        self.inputs = tuple(str(port.any_name) for port in self._model.inputs)
        self.outputs = tuple(str(port.any_name) for port in self._model.outputs)

    def __call__(self, **tensors: Tensor) -> SimpleNamespace:
        """Take int64 tensors by name, also such as the graph has no input for."""
        outputs = self._model({name: tensors[name].numpy() for name in self.inputs})
        return SimpleNamespace(**{name: torch.from_numpy(outputs[name]) for name in self.outputs})
