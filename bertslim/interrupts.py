"""Signals that ask the process to end, answered in the same way from its first line to its last.

While a command runs, a signal is a KeyboardInterrupt, so that what is half-made is removed. Before
that there is nothing to remove, and after it nothing left to do, so the process ends at once.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from types import FrameType

INTERRUPTED = 130
INTERRUPTION = "interrupted; nothing half-made is left"
_STANDARD_ERROR = 2
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SECONDS_UNTIL_REPEATED = 0.02


@dataclass
class _State:
    """How a signal is answered.

    Attributes:
        running: Whether a command is running, which has to be stopped by an exception.
        holding: How many blocks are running that must not be stopped.
        waiting: Whether a signal came during such a block.
        came: Whether a signal came at all.
        code: The exit code once everything is done; None before.
    """

    running: bool = False
    holding: int = 0
    waiting: bool = False
    came: bool = False
    code: int | None = None


_state = _State()


def catch_signals() -> None:
    """Answer signals from now on; those that the caller has this process ignore stay ignored."""
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _answer)
    signal.signal(signal.SIGALRM, _answer)
    sys.unraisablehook = _repeat_if_swallowed
    atexit.register(_ignore_signals)  # the first to be registered is the last to be called


@contextmanager
def interruptible() -> Iterator[None]:
    """Let signals be KeyboardInterrupts while the block runs.

    Raises:
        KeyboardInterrupt: A signal came, be it that a library turned it into an error of its own.
    """
    _state.running = True
    try:
        yield
    except Exception as error:
        if _state.came:
            raise KeyboardInterrupt from error
        raise


@contextmanager
def held() -> Iterator[None]:
    """Let signals wait until the block is done, which is short and must not be left halfway.

    Raises:
        KeyboardInterrupt: A signal came meanwhile.
    """
    _state.holding += 1
    try:
        yield
    finally:
        _state.holding -= 1
        came, _state.waiting = _state.waiting, _state.waiting and _state.holding > 0
    if came and not _state.waiting:
        raise KeyboardInterrupt


def end_with(code: int) -> None:
    """Let a signal from now on end the process at once with its exit code."""
    _state.code = code


def exit_with(code: int) -> NoReturn:
    """End the process in the usual way, with its exit code.

    Where a KeyboardInterrupt passed through `exec`, as dataclasses call it, the interpreter would
    end the process by SIGINT, whether or not the exception was handled.
    """
    end_with(code)
    if _state.came:
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


def _answer(_number: int, _frame: FrameType | None) -> None:
    if _state.code is not None:
        os._exit(_state.code)
    if not _state.running:
        with suppress(OSError):  # the terminal may be gone
            os.write(_STANDARD_ERROR, f"bertslim: {INTERRUPTION}\n".encode())
        os._exit(INTERRUPTED)
    _state.came = True
    if _state.holding:
        _state.waiting = True
        return
    raise KeyboardInterrupt


def _repeat_if_swallowed(unraisable: sys.UnraisableHookArgs) -> None:
    """Send a signal again that met code which cannot be stopped, such as a destructor."""
    if issubclass(unraisable.exc_type, KeyboardInterrupt) and _state.code is None:
        signal.setitimer(signal.ITIMER_REAL, _SECONDS_UNTIL_REPEATED)
    else:
        sys.__unraisablehook__(unraisable)


def _ignore_signals() -> None:
    """The interpreter gives signals their defaults back on its way out, ignored ones excepted."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
