"""What runs a model that is timed, as a table. Nothing heavy is imported: packages are looked up.

A new runtime is a row of `Runtime` and an engine (docs/adding-a-runtime.md).
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

from bertslim.devices import Device
from bertslim.errors import InputError

ONNX_SUFFIX, IR_SUFFIX = ".onnx", ".xml"


@dataclass(frozen=True)
class ModelKind:
    """How a model lies on disk.

    Attributes:
        singular: One of them in words, with its article.
        plural: Several of them.
        suffix: How the names of such files end; "" for directories.
    """

    singular: str
    plural: str
    suffix: str = ""


CHECKPOINT = ModelKind("a checkpoint", "checkpoints")
ONNX = ModelKind("an ONNX file", "ONNX files", ONNX_SUFFIX)
IR = ModelKind("an OpenVINO IR", "OpenVINO IRs", IR_SUFFIX)


@dataclass(frozen=True)
class RuntimeRow:
    """What is known of a runtime.

    Attributes:
        program: The program's own name, for messages.
        package: The Python package that has to be installed.
        takes: The kinds of models that it runs.
        engine: What loads and calls a model, as "module:class"; the class is an `Engine`, made
            from a TimedModel and a number of threads.
        in_bfloat16: Whether it multiplies in bfloat16 whatever type the weights are stored in.
        unasked: Whether it is timed where no runtimes are asked for.
        per_shape: Whether it compiles the model anew for each batch and length.
        may_refuse: Kinds that it takes, but of which it cannot load every model; some other
            runtime can. Where it is not asked for, each model is tried, and left out of all
            runtimes of the package if it fails.
        extra: The extra of bertslim that the package belongs to; None: to none.
    """

    program: str
    package: str
    takes: tuple[ModelKind, ...]
    engine: str
    in_bfloat16: bool = False
    unasked: bool = True
    per_shape: bool = False
    may_refuse: tuple[ModelKind, ...] = ()
    extra: str | None = None


class Runtime(StrEnum):
    """The program that runs a model, and in which type where it can choose."""

    row: RuntimeRow

    def __new__(cls, name: str, *row: RuntimeRow) -> Self:
        """Make a member of its name and its row (variadic, as `Runtime("torch")` finds one)."""
        member = str.__new__(cls, name)
        member._value_ = name
        (member.row,) = row
        return member

    TORCH = (
        "torch",
        RuntimeRow("PyTorch", "torch", (CHECKPOINT,), "bertslim.measure.engines:TorchEngine"),
    )
    TORCH_BF16 = (
        "torch-bf16",
        RuntimeRow(
            "PyTorch",
            "torch",
            (CHECKPOINT,),
            "bertslim.measure.engines:TorchEngine",
            in_bfloat16=True,
        ),
    )
    TORCH_COMPILE = (
        "torch-compile",
        RuntimeRow(
            "PyTorch",
            "torch",
            (CHECKPOINT,),
            "bertslim.measure.engines:CompiledTorchEngine",
            unasked=False,  # to compile takes a minute a shape
            per_shape=True,
        ),
    )
    ONNXRUNTIME = (
        "onnxruntime",
        RuntimeRow(
            "ONNX Runtime",
            "onnxruntime",
            (ONNX,),
            "bertslim.measure.engines:OnnxRuntimeEngine",
            extra="onnx",
        ),
    )
    OPENVINO = (
        "openvino",
        RuntimeRow(
            "OpenVINO",
            "openvino",
            (ONNX, IR),
            "bertslim.measure.engines:OpenVinoEngine",
            may_refuse=(ONNX,),
            extra="openvino",
        ),
    )
    OPENVINO_BF16 = (
        "openvino-bf16",
        RuntimeRow(
            "OpenVINO",
            "openvino",
            (ONNX, IR),
            "bertslim.measure.engines:OpenVinoEngine",
            in_bfloat16=True,
            may_refuse=(ONNX,),
            extra="openvino",
        ),
    )

    @property
    def program(self) -> str:
        """The program's own name."""
        return self.row.program

    @property
    def package(self) -> str:
        """The Python package that has to be installed for it."""
        return self.row.package

    @property
    def installed(self) -> bool:
        """Whether that package is."""
        return is_installed(self.package)

    @property
    def installation(self) -> str:
        """The command that installs it."""
        return _installation(self.package, self.row.extra)

    @property
    def in_bfloat16(self) -> bool:
        """Whether it multiplies in bfloat16 whatever type the weights are stored in."""
        return self.row.in_bfloat16

    @property
    def takes_checkpoints(self) -> bool:
        """Whether it runs checkpoint directories; the others run exported files."""
        return CHECKPOINT in self.row.takes

    def takes(self, path: Path) -> bool:
        """Whether it runs such a file or directory."""
        return _is_one_of(path, self.row.takes)

    def may_refuse(self, path: Path) -> bool:
        """Whether it cannot load every such file or directory."""
        return _is_one_of(path, self.row.may_refuse)

    def check_installed(self) -> None:
        """Refuse a runtime that is not there.

        Raises:
            InputError: Its package is not installed.
        """
        check_package(self.package, extra=self.row.extra, where=self.value)


UNASKED = tuple(runtime for runtime in Runtime if runtime.row.unasked)
"""Those that are timed unless others are asked for."""

ASKED = tuple(runtime for runtime in Runtime if not runtime.row.unasked)
"""Those that are timed only where they are asked for."""

EXPORTED = tuple(
    dict.fromkeys(kind for runtime in Runtime for kind in runtime.row.takes if kind.suffix)
)
"""The kinds of exported files that some runtime takes."""


def is_exported(path: Path) -> bool:
    """Whether the name is that of an exported file that some runtime takes."""
    return path.suffix in {kind.suffix for kind in EXPORTED}


def _is_one_of(path: Path, kinds: tuple[ModelKind, ...]) -> bool:
    suffixes = {kind.suffix for kind in kinds}
    return "" in suffixes if path.is_dir() else bool(path.suffix) and path.suffix in suffixes


def is_installed(package: str) -> bool:
    """Whether a Python package is there to be imported."""
    return importlib.util.find_spec(package) is not None


def check_package(package: str, *, extra: str | None, where: str) -> None:
    """Refuse what needs a package that is not there.

    Args:
        package: The package.
        extra: The extra of bertslim that it belongs to, if it does to one.
        where: What asks for it.

    Raises:
        InputError: It is not installed.
    """
    if not is_installed(package):
        raise InputError(
            f"the package {package} is not installed",
            where=where,
            remedy=_installation(package, extra),
        )


def _installation(package: str, extra: str | None) -> str:
    return f"pip install 'bertslim[{extra}]'" if extra else f"pip install {package}"


@dataclass(frozen=True)
class TimedModel:
    """A model and what runs it.

    Attributes:
        path: A checkpoint directory, an ONNX file or an OpenVINO IR.
        runtime: What runs it.
        texts: A file of a `TextSample`, for shapes of texts; None: there are none.
        device: Where a checkpoint runs; files run on the CPU.
    """

    path: Path
    runtime: Runtime = Runtime.TORCH
    texts: Path | None = None
    device: Device = "cpu"
