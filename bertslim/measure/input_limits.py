"""Which inputs a model takes, as known before it is loaded."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bertslim.errors import InputError
from bertslim.file_names import CONFIG_FILE
from bertslim.measure.onnx_graph import read_onnx
from bertslim.measure.runtimes import IR_SUFFIX, ONNX_SUFFIX
from bertslim.model.description import describe_checkpoint

INPUTS = ("input_ids", "attention_mask", "token_type_ids")


@dataclass(frozen=True)
class InputLimits:
    """How far inputs may go.

    Attributes:
        vocabulary: How many tokens the model knows.
        max_length: The longest sequence that it takes, in tokens; `sys.maxsize` if it is not known.
    """

    vocabulary: int
    max_length: int


def read_limits(path: Path) -> InputLimits:
    """Read the configuration in a directory, or beside or above an exported file.

    An ONNX file holds the size of its vocabulary itself.

    Raises:
        InputError: The file is damaged or its inputs are not a BERT's, or there is no configuration
            where one is needed.
    """
    known = [InputLimits(vocabulary, sys.maxsize) for vocabulary in _own_vocabulary(path)]
    directory = files_of(path)
    if directory is not None:
        facts = describe_checkpoint(directory, config_only=True).facts
        return shared_limits([InputLimits(facts.vocab_size, facts.max_length), *known])
    if not known:
        raise InputError(
            f"the size of the model's vocabulary is not known without its {CONFIG_FILE}",
            where=str(path),
            remedy="put it beside the file",
        )
    return known[0]


def files_of(path: Path) -> Path | None:
    """Return the directory with a model's configuration: its own, or beside or above its file."""
    if path.is_dir():
        return path
    near = path.resolve().parents[:2]
    return next((directory for directory in near if (directory / CONFIG_FILE).is_file()), None)


def shared_limits(limits: Iterable[InputLimits]) -> InputLimits:
    """Return how far inputs may go that all models take."""
    every = tuple(limits)
    return InputLimits(
        min(each.vocabulary for each in every), min(each.max_length for each in every)
    )


def check_names(names: Iterable[str], where: Path | None = None) -> None:
    """Refuse a model that does not take a BERT's inputs.

    Raises:
        InputError: It takes others, or no input_ids.
    """
    inputs = tuple(names)
    if INPUTS[0] not in inputs or not set(inputs) <= set(INPUTS):
        raise InputError(
            f"its inputs are {', '.join(inputs) or 'none'}; a BERT's are {', '.join(INPUTS)}",
            where=None if where is None else str(where),
            remedy="export the model with `bertslim export --onnx`",
        )


def _own_vocabulary(path: Path) -> tuple[int, ...]:
    """The vocabulary that the file itself holds, if any; exported files are checked as well."""
    if path.suffix == IR_SUFFIX and not path.with_suffix(".bin").is_file():
        raise InputError(
            f"its weights, {path.with_suffix('.bin').name}, are not beside it",
            where=str(path),
            remedy="put them there",
        )
    if path.is_dir() or path.suffix != ONNX_SUFFIX:
        return ()
    facts = read_onnx(path)
    check_names(facts.inputs, path)
    return () if facts.vocabulary is None else (facts.vocabulary,)
