"""Run one command or function on a damaged input, and tell what is wrong with how it ends."""

from __future__ import annotations

import io
import os
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any
from unittest.mock import patch

from typer.main import get_command

from bertslim.cli import app, run
from bertslim.cli.failures import failure

LIMIT_SECONDS = 10
MOST_CHARACTERS = 20_000  # of standard error; a recipe may have many problems
ALLOWED_CODES = {0, 2, 3, 4}


class Hang(BaseException):
    """A trial takes longer than LIMIT_SECONDS."""


@dataclass(frozen=True)
class Ending:
    """How a trial ended.

    Attributes:
        code: The exit code.
        out: What was printed.
        err: The messages.
        traceback: Of a defect; "" where there is none.
        nonsense: What the result has in it that cannot be; "" where there is nothing.
    """

    code: int
    out: str = ""
    err: str = ""
    traceback: str = ""
    nonsense: str = ""

    @property
    def faults(self) -> list[str]:
        """What must not be: a defect, a traceback, what steers a terminal, or endless messages."""
        found = [f"nonsense: {self.nonsense}"] if self.nonsense else []
        if self.code not in ALLOWED_CODES:
            found.append(f"exit code {self.code}: {self.err[:300]}")
        if "Traceback (most recent" in self.err:
            found.append(f"a traceback: {self.err[-1000:]}")
        if self.code == 2 and not self.err.strip():
            found.append("fails without a message")
        if len(self.err) > MOST_CHARACTERS:
            found.append(f"{len(self.err)} characters of messages")
        for name, text in (("output", self.out), ("messages", self.err)):
            lines = text.replace("\t", " ").split("\n")
            if any(not line.isprintable() and _steers(line) for line in lines):
                found.append(f"{name} that steer a terminal: {text[:200]!r}")
            if any(line.lstrip().startswith("::") or "##[" in line for line in lines):
                found.append(f"{name} that command GitHub: {text[:200]!r}")
        return found


def _steers(line: str) -> bool:
    return any(
        ord(character) < 32 or 0x7F <= ord(character) < 0xA0 or character in "\u2028\u2029\u202e"
        for character in line
    )


def run_command(arguments: list[str]) -> Ending:
    """Run a command line in this process."""
    out, err = io.StringIO(), io.StringIO()
    with _tracebacks() as tracebacks:
        with (
            redirect_stdout(out),
            redirect_stderr(err),
            _limited(),
            patch("bertslim.cli.app", _parser()),
        ):
            code = run(arguments)
        return Ending(code, out.getvalue(), err.getvalue(), "".join(tracebacks))


@cache
def _parser() -> Any:
    """Return the command line, which is otherwise built anew at each call."""
    return get_command(app)


def run_function(function: Callable[[], Any]) -> Ending:
    """Run a function of the library as a command would."""
    try:
        with _limited():
            function()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a panic of a library in Rust is no Exception
        return failure_of(error)
    return Ending(0)


def failure_of(error: BaseException) -> Ending:
    """Return the ending of a command in which an error was raised."""
    with _tracebacks() as tracebacks:
        ended = failure(error)
        return Ending(ended.exit_code, "", str(ended) + "\n", "".join(tracebacks))


@contextmanager
def _tracebacks() -> Iterator[list[str]]:
    """Yield a list to which the tracebacks of defects are added, in place of files."""
    found: list[str] = []

    def keep(error: BaseException) -> Path:
        found.append("".join(traceback.format_exception(error)))
        return Path("a file")

    with patch("bertslim.cli.failures._write_traceback", keep):
        yield found


@contextmanager
def _limited() -> Iterator[None]:
    """Stop what computes for LIMIT_SECONDS, or waits many times as long, as on a busy machine."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise Hang

    timers = {signal.SIGPROF: signal.ITIMER_PROF, signal.SIGALRM: signal.ITIMER_REAL}
    before = {number: signal.signal(number, stop) for number in timers}
    signal.setitimer(signal.ITIMER_PROF, LIMIT_SECONDS)
    signal.setitimer(signal.ITIMER_REAL, 12 * LIMIT_SECONDS)
    try:
        yield
    finally:
        for number, timer in timers.items():
            signal.setitimer(timer, 0)
            signal.signal(number, before[number])


@contextmanager
def current_directory(folder: Path) -> Iterator[None]:
    """Work in a directory while the block runs."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
