"""Find the result that a command without a DIR means."""

from __future__ import annotations

from pathlib import Path

from bertslim.errors import InputError
from bertslim.records import RECORD_FILE


def find_result(directory: Path | None) -> Path:
    """Return the directory, or the one meant: this one if it is a result, else the newest under it.

    Raises:
        InputError: There is no such directory, or no result here.
    """
    if directory is not None:
        if not directory.is_dir():
            raise InputError("no such directory", where=str(directory), remedy="check the path")
        return directory
    here = Path()
    if (here / RECORD_FILE).is_file():
        return here
    records = [path for path in here.glob(f"*/{RECORD_FILE}") if path.is_file()]
    if not records:
        raise InputError(
            "no result of bertslim in this directory or directly under it",
            remedy="name its directory, or run `bertslim cut` first",
        )
    return max(records, key=lambda path: path.stat().st_mtime_ns).parent
