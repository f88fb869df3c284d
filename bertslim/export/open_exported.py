"""An exported file in the runtime that is to run it, called as the PyTorch model is."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from bertslim.export.onnx_model import OnnxModel
from bertslim.export.openvino_model import OpenVinoModel
from bertslim.measure.runtimes import Runtime


def open_exported(path: Path, runtime: Runtime) -> OnnxModel | OpenVinoModel:
    """Load an ONNX file in ONNX Runtime, or an IR in OpenVINO in the type of the runtime.

    Args:
        path: The .onnx or .xml file, its .bin file beside it.
        runtime: ONNX Runtime, or OpenVINO in float32 or bfloat16.
    """
    if runtime is Runtime.ONNXRUNTIME:
        return OnnxModel(path)
    precision: Literal["f32", "bf16"] = "bf16" if runtime.in_bfloat16 else "f32"
    return OpenVinoModel(path, path.with_suffix(".bin"), precision=precision)
