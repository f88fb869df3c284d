"""What a command says of the result that it wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from bertslim.records import Record


def print_result(record: Record, directory: Path, *, as_json: bool, quiet: bool) -> None:
    """Print the record as JSON, or the result in short and where it is."""
    if as_json:
        typer.echo(record.to_json(), nl=False)
    elif not quiet:
        from bertslim.report.render import render_summary

        typer.echo(render_summary(record))
        typer.echo(f"Written to {directory}; `bertslim report {directory}` says more.")
