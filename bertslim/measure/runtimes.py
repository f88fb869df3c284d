"""What runs a model that is timed. Nothing heavy is imported: packages are only looked up."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bertslim.errors import InputError

ONNX_SUFFIX, IR_SUFFIX = ".onnx", ".xml"


class Runtime(StrEnum):
    """The program that runs a model, and in which type where it can choose.

    A new one is a name here and an engine in `engines.py`.
    """

    TORCH = "torch"
    TORCH_BF16 = "torch-bf16"
    TORCH_COMPILE = "torch-compile"
    ONNXRUNTIME = "onnxruntime"
    OPENVINO = "openvino"
    OPENVINO_BF16 = "openvino-bf16"

    @property
    def package(self) -> str:
        """The Python package that has to be installed for it."""
        return self.value.partition("-")[0]

    @property
    def installed(self) -> bool:
        """Whether that package is."""
        return is_installed(self.package)

    @property
    def in_bfloat16(self) -> bool:
        """Whether it multiplies in bfloat16 whatever type the weights are stored in."""
        return self in {Runtime.TORCH_BF16, Runtime.OPENVINO_BF16}

    @property
    def takes_checkpoints(self) -> bool:
        """Whether it runs checkpoint directories; the others run exported files."""
        return self.package == "torch"

    @property
    def suffixes(self) -> tuple[str, ...]:
        """How the names of the exported files end that it runs."""
        if self.takes_checkpoints:
            return ()
        return (ONNX_SUFFIX,) if self is Runtime.ONNXRUNTIME else (ONNX_SUFFIX, IR_SUFFIX)

    def takes(self, path: Path) -> bool:
        """Whether it runs such a file or directory."""
        return self.takes_checkpoints if path.is_dir() else path.suffix in self.suffixes

    def check_installed(self) -> None:
        """Refuse a runtime that is not there.

        Raises:
            InputError: Its package is not installed.
        """
        check_package(self.package, extra=self.package, where=self.value)


def is_installed(package: str) -> bool:
    """Whether a Python package is there to be imported."""
    return importlib.util.find_spec(package) is not None


def check_package(package: str, *, extra: str, where: str) -> None:
    """Refuse what needs a package that is not there.

    Args:
        package: The package.
        extra: The extra of bertslim that it belongs to.
        where: What asks for it.

    Raises:
        InputError: It is not installed.
    """
    if not is_installed(package):
        raise InputError(
            f"the package {package} is not installed",
            where=where,
            remedy=f"pip install 'bertslim[{extra}]'",
        )


@dataclass(frozen=True)
class TimedModel:
    """A model and what runs it.

    Attributes:
        path: A checkpoint directory, an ONNX file or an OpenVINO IR.
        runtime: What runs it.
    """

    path: Path
    runtime: Runtime = Runtime.TORCH
