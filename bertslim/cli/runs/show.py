"""Progress and directory, as all commands show them."""

from __future__ import annotations

from pathlib import Path

from bertslim.commands.publish import find_result
from bertslim.progress import Progress
from bertslim.terminal import print_line


def progress_for(*, quiet: bool, as_json: bool) -> Progress:
    """Return progress that is shown where it may be: not where nothing or only JSON is printed."""
    return Progress(visible=False if quiet or as_json else None)


def chosen_result(directory: Path | None, *, quiet: bool = False) -> Path:
    """Return DIR if given; else choose it, and print its name on standard error.

    Raises:
        InputError: There is no such directory, or no result here.
    """
    result = find_result(directory)
    if directory is None and not quiet:
        print_line(f"bertslim: this is {result.resolve().name}", error=True)
    return result
