"""What a checkpoint can be written as; exporters.py runs the exporter of each format."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Literal

from bertslim.errors import InputError
from bertslim.measure.runtimes import Runtime, check_package

Precision = Literal["fp32", "fp16", "int8", "int8-static"]


class Format(StrEnum):
    """A kind of files, by the name that records and reports have for it."""

    ONNX = "ONNX"
    OPENVINO = "OpenVINO IR"
    TORCH = "torch.export"

    def files(self, path: Path) -> tuple[Path, ...]:
        """Return all files of a model by the one that is named; that one comes first.

        Raises:
            InputError: This format's files cannot have such a name.
        """
        if self is not Format.OPENVINO:
            return (path,)
        if path.suffix != ".xml":
            raise InputError(
                "the name of an OpenVINO IR ends in .xml",
                where=str(path),
                remedy="choose another with -o",
            )
        return (path, path.with_suffix(".bin"))

    def check_packages(self, precision: Precision) -> None:
        """Refuse what needs packages that are not installed.

        Raises:
            InputError: One is missing.
        """
        if self is Format.OPENVINO:
            for package in (Runtime.OPENVINO.package, *(("nncf",) if precision == "int8" else ())):
                check_package(package, extra=Runtime.OPENVINO.package, where="--openvino")


NAMES: dict[tuple[Format, Precision], str] = {
    (Format.ONNX, "fp32"): "model.onnx",
    (Format.ONNX, "fp16"): "model_fp16.onnx",
    (Format.ONNX, "int8"): "model_int8.onnx",
    (Format.ONNX, "int8-static"): "model_int8_static.onnx",
    (Format.OPENVINO, "fp32"): "openvino_model.xml",
    (Format.OPENVINO, "int8"): "openvino_model_int8.xml",
    (Format.TORCH, "fp32"): "model.pt2",
}
