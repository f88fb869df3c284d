"""Run what writes a slim model, and print what came of it."""

from __future__ import annotations

from collections.abc import Callable

import typer

from bertslim.cli.runs.show import progress_for
from bertslim.commands.slim_result import SlimResult
from bertslim.progress import Progress
from bertslim.ranks import launched_rank
from bertslim.report.render import render_summary


def run_and_print(run: Callable[[Progress], SlimResult], *, quiet: bool, as_json: bool) -> None:
    """Run it; of several processes the first one alone prints."""
    silent = quiet or launched_rank() > 0
    result = run(progress_for(quiet=silent, as_json=as_json))
    if launched_rank() > 0:
        return
    if as_json:
        typer.echo(result.record.to_json(), nl=False)
    elif not quiet:
        typer.echo(render_summary(result.record))
        directory = result.directory
        typer.echo(f"Written to {directory}; `bertslim report {directory}` prints the full report.")
