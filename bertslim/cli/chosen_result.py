"""Which result a command is about."""

from __future__ import annotations

from pathlib import Path

import typer


def chosen_result(directory: Path | None, *, quiet: bool = False) -> Path:
    """Return the DIR that was given; without one choose it, and say on standard error which.

    Raises:
        InputError: There is no such directory, or no result here.
    """
    from bertslim.pipeline.results import find_result

    found = find_result(directory)
    if directory is None and not quiet:
        typer.echo(f"bertslim: this is {found.resolve().name}", err=True)
    return found
