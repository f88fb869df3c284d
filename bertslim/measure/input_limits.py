"""Which inputs a model takes, as far as can be told before it is loaded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bertslim.errors import InputError
from bertslim.measure.onnx_graph import read_onnx
from bertslim.measure.runtimes import ONNX_SUFFIX
from bertslim.model.description import describe_checkpoint
from bertslim.model.files import CONFIG_FILE


@dataclass(frozen=True)
class InputLimits:
    """How far inputs may go.

    Attributes:
        vocabulary: How many tokens the model knows.
        max_length: The longest sequence that it takes, in tokens; None where nothing tells.
    """

    vocabulary: int
    max_length: int | None


def read_limits(path: Path) -> InputLimits:
    """Read the configuration in a directory, or beside or above an exported file.

    An ONNX file without one tells its vocabulary itself.

    Raises:
        InputError: There is no configuration where one is needed, or it cannot be read.
    """
    for directory in (path,) if path.is_dir() else (path.parent, path.parent.parent):
        if path.is_dir() or (directory / CONFIG_FILE).is_file():
            facts = describe_checkpoint(directory, config_only=True).facts
            return InputLimits(facts.vocab_size, facts.max_length)
    vocabulary = read_onnx(path).vocabulary if path.suffix == ONNX_SUFFIX else None
    if vocabulary is None:
        raise InputError(
            f"how many tokens the model knows cannot be told without its {CONFIG_FILE}",
            where=str(path),
            remedy="put it beside the file",
        )
    return InputLimits(vocabulary, None)


def shared_limits(limits: Iterable[InputLimits]) -> InputLimits:
    """Return how far inputs may go that all models take."""
    every = tuple(limits)
    lengths = [each.max_length for each in every if each.max_length is not None]
    return InputLimits(min(each.vocabulary for each in every), min(lengths, default=None))
