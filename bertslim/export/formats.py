"""What a checkpoint can be written as; exporters.py runs the exporter of each format."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Literal

from bertslim.errors import InputError
from bertslim.file_names import SINGLE_WEIGHT_FILES
from bertslim.measure.runtimes import Runtime, check_package

Precision = Literal["fp32", "fp16", "int8", "int8-static"]


class Format(StrEnum):
    """A kind of files, by the name that records and reports have for it."""

    ONNX = "ONNX"
    OPENVINO = "OpenVINO IR"
    TORCH = "torch.export"

    @classmethod
    def _missing_(cls, value: object) -> Format | None:
        """Take the names that the command line has, such as "onnx"."""
        return next((one for one in cls if one.name.lower() == value), None)

    def files(self, path: Path) -> tuple[Path, ...]:
        """Return all files of a model by the one that is named; that one comes first.

        Raises:
            InputError: This format's files cannot have such a name, as runtimes and checkpoints are
                read by the names of their files.
        """
        suffix = Path(NAMES[self, "fp32"]).suffix
        if path.suffix != suffix:
            raise _misnamed(path, f"the name of {_KINDS[self]} ends in {suffix}")
        if self is not Format.OPENVINO:
            return (path,)
        weights = path.with_suffix(".bin")
        if weights.name in SINGLE_WEIGHT_FILES:
            raise _misnamed(path, f"its weights would be called {weights.name}, as a checkpoint's")
        return (path, weights)

    def check_packages(self, precision: Precision) -> None:
        """Refuse what needs packages that are not installed.

        Raises:
            InputError: One is missing.
        """
        if self is Format.OPENVINO:
            for package in (Runtime.OPENVINO.package, *(("nncf",) if precision == "int8" else ())):
                check_package(package, extra=Runtime.OPENVINO.package, where="--openvino")
        elif self is Format.ONNX:
            for package in ("onnx", "onnxruntime", "onnxscript"):
                check_package(package, extra="onnx", where="--onnx")


_KINDS = {
    Format.ONNX: "an ONNX file",
    Format.OPENVINO: "an OpenVINO IR",
    Format.TORCH: "a torch.export file",
}
# In the folders, and by the names, where optimum, sentence-transformers and transformers.js look.
NAMES: dict[tuple[Format, Precision], str] = {
    (Format.ONNX, "fp32"): "onnx/model.onnx",
    (Format.ONNX, "fp16"): "onnx/model_fp16.onnx",
    (Format.ONNX, "int8"): "onnx/model_int8.onnx",
    (Format.ONNX, "int8-static"): "onnx/model_int8_static.onnx",
    (Format.OPENVINO, "fp32"): "openvino/openvino_model.xml",
    (Format.OPENVINO, "int8"): "openvino/openvino_model_int8.xml",
    (Format.TORCH, "fp32"): "model.pt2",
}
_SECOND_NAMES = {"model_int8.onnx": "model_quantized.onnx"}  # transformers.js: "int8" and "q8"


def second_names(path: Path) -> tuple[Path, ...]:
    """Return the other names by which runtimes look for an exported file."""
    return (path.with_name(_SECOND_NAMES[path.name]),) if path.name in _SECOND_NAMES else ()


def _misnamed(path: Path, what: str) -> InputError:
    return InputError(what, where=str(path), remedy="choose another with -o")
