"""The runtimes that a search can aim at, each with the files that it runs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from bertslim.measure.runtimes import Runtime


@dataclass(frozen=True)
class RuntimeFiles:
    """What a runtime runs.

    Attributes:
        runtime: The runtime.
        int8: Whether products are in int8.
        one_token_on_top: Whether its files compute one token alone in the topmost layer with
            attention, where the head reads no other.
    """

    runtime: Runtime
    int8: bool = False
    one_token_on_top: bool = False


class SearchRuntime(StrEnum):
    """A runtime, and the type of the products in its files."""

    files: RuntimeFiles

    def __new__(cls, name: str, *files: RuntimeFiles) -> Self:
        """Make a member of its name and its files (variadic, as finding one gives the name)."""
        member = str.__new__(cls, name)
        member._value_ = name
        (member.files,) = files
        return member

    TORCH = "torch", RuntimeFiles(Runtime.TORCH)
    ONNXRUNTIME = "onnxruntime", RuntimeFiles(Runtime.ONNXRUNTIME, one_token_on_top=True)
    ONNXRUNTIME_INT8 = (
        "onnxruntime-int8",
        RuntimeFiles(Runtime.ONNXRUNTIME, int8=True, one_token_on_top=True),
    )
    OPENVINO = "openvino", RuntimeFiles(Runtime.OPENVINO)
    OPENVINO_BF16 = "openvino-bf16", RuntimeFiles(Runtime.OPENVINO_BF16)
    OPENVINO_INT8 = "openvino-int8", RuntimeFiles(Runtime.OPENVINO, int8=True)

    @property
    def rounds(self) -> bool:
        """Whether products are in fewer bits than float32 has."""
        return self.files.int8 or self.files.runtime.in_bfloat16

    def check_installed(self) -> None:
        """Refuse a runtime that is not there.

        Raises:
            InputError: A package is not installed.
        """
        self.files.runtime.check_installed()
