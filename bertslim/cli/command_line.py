"""The command line that is being run, for the record of what it makes."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar

_ARGUMENTS: ContextVar[tuple[str, ...]] = ContextVar("arguments", default=())


def remember(arguments: Sequence[str]) -> None:
    """Keep what was typed behind the name of the program."""
    _ARGUMENTS.set(tuple(arguments))


def command_line() -> tuple[str, ...]:
    """Return what was typed, word by word."""
    return ("bertslim", *_ARGUMENTS.get())
