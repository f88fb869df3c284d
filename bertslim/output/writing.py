"""What fails where something is written, as an error that names the output."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bertslim.errors import BertslimError, OutputError
from bertslim.library_errors import disk_is_full, has_no_room

_NO_SPACE = "No space left on device"


@contextmanager
def writing(target: Path, option: str = "-o") -> Iterator[None]:
    """Turn the failure to write a file into an error that names the output, and the option for it.

    Args:
        target: The output.
        option: What names it on the command line.

    Raises:
        OutputError: The block could not write.
    """
    try:
        yield
    except OSError as error:
        raise cannot_write(target, option, error.strerror or str(error)) from error
    except Exception as error:
        if isinstance(error, BertslimError) or not disk_is_full(error):
            raise
        raise cannot_write(target, option, _NO_SPACE) from error


@contextmanager
def room_beside(target: Path) -> Iterator[None]:
    """Turn a disk that is full into an error that names the output beside which the block writes.

    Args:
        target: The output, unless what is full is the disk of temporary files alone.

    Raises:
        OutputError: The disk is full.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, BertslimError) or not disk_is_full(error) or _is_elsewhere(target):
            raise
        raise cannot_write(target, "-o", _NO_SPACE) from error


def _is_elsewhere(target: Path) -> bool:
    """Whether temporary files have no room, and the output has."""
    own, temporary = target.absolute().parent, Path(tempfile.gettempdir())
    return own.is_dir() and not has_no_room(own) and has_no_room(temporary)


def cannot_write(target: Path, option: str, reason: str) -> OutputError:
    """Return the error for an output that cannot be written."""
    full = re.search("no space|quota|too large", reason, re.IGNORECASE)
    other = f"choose another output with {option}"
    return OutputError(
        f"cannot be written ({reason})",
        where=str(target),
        remedy=f"make room, or {other}" if full else other,
    )


def check_space(directory: Path, needed: int) -> None:
    """Check that `needed` bytes fit on the disk of `directory`.

    Raises:
        OutputError: They do not.
    """
    free = shutil.disk_usage(directory).free
    if needed > free:
        raise OutputError(
            f"{needed / 2**20:,.1f} MiB are needed, {free / 2**20:,.1f} MiB are free",
            where=str(directory.parent),
            remedy="make room or choose another output with -o",
        )


def another_run(target: Path, option: str) -> OutputError:
    """Return the error for an output that another run is writing, too."""
    return OutputError(
        "another run is writing there",
        where=str(target),
        remedy=f"wait for it, or choose another output with {option}",
    )
