"""The words of the command line that runs, for the record."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar

_ARGUMENTS: ContextVar[tuple[str, ...]] = ContextVar("arguments", default=())


def remember(arguments: Sequence[str]) -> None:
    """Keep the words after the name of the program."""
    _ARGUMENTS.set(tuple(arguments))


def command_line() -> tuple[str, ...]:
    """Return the command line, word by word."""
    return ("bertslim", *_ARGUMENTS.get())
