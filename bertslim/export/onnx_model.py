"""An ONNX file that is called as the PyTorch model is."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import torch
from torch import Tensor

from bertslim.quiet import quiet_process

_SILENT = 4


class OnnxModel:
    """A session of ONNX Runtime on the CPU: `model(**inputs)` has the outputs as attributes.

    Args:
        path: The file.
    """

    runtime = "ONNX Runtime"
    attention = "eager"

    def __init__(self, path: Path) -> None:
        with quiet_process():
            import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = _SILENT
        options.intra_op_num_threads = torch.get_num_threads()
        # threads that wait by spinning would take PyTorch's cores
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )
        self.inputs = tuple(value.name for value in self._session.get_inputs())
        self.outputs = tuple(value.name for value in self._session.get_outputs())

    def __call__(self, **tensors: Tensor) -> SimpleNamespace:
        """Take int64 tensors by name, also such as the graph has no input for."""
        feed = {name: tensors[name].numpy() for name in self.inputs}
        outputs = self._session.run(self.outputs, feed)
        answers = zip(self.outputs, map(torch.from_numpy, outputs), strict=True)
        return SimpleNamespace(**dict(answers))
