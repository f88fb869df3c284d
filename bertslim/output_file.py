"""Write a file whole or not at all, or several that belong together.

The bytes go to a hidden file beside the target, which is renamed at the end: a kill at any moment
leaves the old file whole or the new one. What a killed run left half-made is removed by the next
one; a lock that the kernel drops with the process tells it from what another run is writing now.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from bertslim.errors import OutputError
from bertslim.output_directory import is_locked, writing

_NEW = "bertslim-new"


@contextmanager
def output_file(target: Path, *, force: bool = False, option: str = "-o") -> Iterator[Path]:
    """Yield an empty file that becomes `target` if the block ends without an exception.

    Args:
        target: Where the finished file shall stand.
        force: Whether it may take the place of one that stands there.
        option: What names the file on the command line, for messages.

    Raises:
        OutputError: `target` exists and `force` is not given, or it cannot be written.
    """
    target = target.absolute()
    _check_free(target, option, force=force)
    with writing(target, option):
        _remove_left_over(target)
        # some libraries write to no name that ends otherwise
        new = target.with_name(f"{_prefix(target)}{secrets.token_hex(4)}{target.suffix}")
        descriptor = os.open(new, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield new
        _check_free(target, option, force=force)
        with writing(target, option):
            os.fsync(descriptor)
            new.replace(target)
    finally:
        new.unlink(missing_ok=True)
        os.close(descriptor)


@contextmanager
def output_files(*targets: Path, force: bool = False, option: str = "-o") -> Iterator[list[Path]]:
    """Yield empty files that become `targets` if the block ends without an exception.

    They are put in place from the last to the first. The first is the one that leads to the others:
    while they are exchanged there is none, so that an old one never stands beside new others.

    Args:
        targets: Where the finished files shall stand.
        force: As above.
        option: As above.

    Raises:
        OutputError: As above, for any of them.
    """
    with ExitStack() as stack:
        yield [
            stack.enter_context(output_file(target, force=force, option=option))
            for target in targets
        ]
        for target in targets:
            _check_free(target, option, force=force)
        if len(targets) > 1 and force:
            with writing(targets[0], option):
                targets[0].unlink(missing_ok=True)


def _check_free(target: Path, option: str, *, force: bool) -> None:
    if target.is_dir():
        raise OutputError("is a directory", where=str(target), remedy=f"name a file with {option}")
    if target.exists() and not force:
        raise OutputError(
            "exists already",
            where=str(target),
            remedy=f"add --force or choose another with {option}",
        )


def _prefix(target: Path) -> str:
    return f".{target.name}.{_NEW}-"


def _remove_left_over(target: Path) -> None:
    for path in target.parent.iterdir():
        if path.name.startswith(_prefix(target)) and not is_locked(path):
            with suppress(OSError):
                path.unlink()
