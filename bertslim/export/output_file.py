"""Write a file whole or not at all.

The bytes go to a hidden file beside the target, which is renamed at the end: a kill at any moment
leaves the old file whole or the new one. What a killed run left half-made is removed by the next
one; a lock that the kernel drops with the process tells it from what another run is writing now.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bertslim.errors import OutputError
from bertslim.output_directory import is_locked, writing

_NEW = "bertslim-new"


@contextmanager
def output_file(target: Path, *, force: bool = False) -> Iterator[Path]:
    """Yield an empty file that becomes `target` if the block ends without an exception.

    Args:
        target: Where the finished file shall stand.
        force: Whether it may take the place of one that stands there.

    Raises:
        OutputError: `target` exists and `force` is not given, or it cannot be written.
    """
    target = target.absolute()
    _check_free(target, force=force)
    with writing(target):
        _remove_left_over(target)
        new = target.with_name(f"{_prefix(target)}{secrets.token_hex(4)}")
        descriptor = os.open(new, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield new
        _check_free(target, force=force)
        with writing(target):
            os.fsync(descriptor)
            new.replace(target)
    finally:
        new.unlink(missing_ok=True)
        os.close(descriptor)


def _check_free(target: Path, *, force: bool) -> None:
    if target.is_dir():
        raise OutputError("is a directory", where=str(target), remedy="name a file with -o")
    if target.exists() and not force:
        raise OutputError(
            "exists already", where=str(target), remedy="add --force or choose another with -o"
        )


def _prefix(target: Path) -> str:
    return f".{target.name}.{_NEW}-"


def _remove_left_over(target: Path) -> None:
    for path in target.parent.iterdir():
        if path.name.startswith(_prefix(target)) and not is_locked(path):
            with suppress(OSError):
                path.unlink()
