"""Locks that the kernel drops with the process, which tell what a live run is writing."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def lock(path: Path) -> int:
    """Open a file or directory and lock it; return the descriptor, which keeps the lock."""
    descriptor = os.open(path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def is_locked(path: Path) -> bool:
    """Whether a live run holds the lock on a file or directory that it is writing."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Keep other runs from changing a directory while the block runs; wait for those that do."""
    descriptor = lock(directory)
    try:
        yield
    finally:
        os.close(descriptor)
