"""A folder of its own for all temporary files of a run and its libraries."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from bertslim.interrupts import held
from bertslim.output.locks import is_locked, lock

_PREFIX = "bertslim-run-"
_VARIABLE = "TMPDIR"


@contextmanager
def temporary_folder() -> Iterator[None]:
    """Let everything temporary of the block, its libraries and its processes lie in one folder.

    It is removed at the end, and what killed runs have left is removed at the beginning. Where no
    folder can be made, what needs one fails when it needs it.
    """
    with ExitStack() as stack:
        with suppress(OSError), held():
            outer = Path(tempfile.gettempdir())
            _remove_stale(outer)
            own, descriptor = _make(outer)
            stack.callback(_remove, own)
            stack.callback(os.close, descriptor)
            stack.enter_context(_in_place_of(outer, own))
        yield


def _make(outer: Path) -> tuple[Path, int]:
    """Make a folder that is locked, by the descriptor."""
    while True:
        own = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=outer))
        descriptor = lock(own)
        if own.exists():
            return own, descriptor
        os.close(descriptor)  # another run took it for a leftover before it was locked


@contextmanager
def _in_place_of(outer: Path, own: Path) -> Iterator[None]:
    before = os.environ.get(_VARIABLE)
    tempfile.tempdir = os.environ[_VARIABLE] = str(own)
    try:
        yield
    finally:
        tempfile.tempdir = str(outer)
        if before is None:
            del os.environ[_VARIABLE]
        else:
            os.environ[_VARIABLE] = before


def _remove_stale(folder: Path) -> None:
    for path in folder.glob(f"{_PREFIX}*"):
        if path.lstat().st_uid == os.getuid() and not is_locked(path):
            shutil.rmtree(path, ignore_errors=True)


def _remove(own: Path) -> None:
    with held():
        shutil.rmtree(own, ignore_errors=True)
