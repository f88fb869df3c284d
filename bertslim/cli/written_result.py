"""What a command says of the result that it wrote."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from bertslim.progress import Progress
    from bertslim.records import Record


class Result(Protocol):
    """Where a result is, and the account of how it came to be."""

    @property
    def directory(self) -> Path:
        """The output."""

    @property
    def record(self) -> Record:
        """The account."""


def run_and_print(run: Callable[[Progress], Result], *, as_json: bool, quiet: bool) -> None:
    """Run what writes a result and print it; of several processes the first one speaks alone."""
    from bertslim.progress import Progress
    from bertslim.ranks import launched_rank

    helping = launched_rank() > 0
    result = run(Progress(visible=False if quiet or as_json or helping else None))
    if not helping:
        _print_result(result.record, result.directory, as_json=as_json, quiet=quiet)


def _print_result(record: Record, directory: Path, *, as_json: bool, quiet: bool) -> None:
    """Print the record as JSON, or the result in short and where it is."""
    if as_json:
        typer.echo(record.to_json(), nl=False)
    elif not quiet:
        from bertslim.report.render import render_summary

        typer.echo(render_summary(record))
        typer.echo(f"Written to {directory}; `bertslim report {directory}` says more.")
