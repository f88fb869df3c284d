"""Run `bertslim analyze` and print what it finds."""

from __future__ import annotations

import typer

from bertslim.cli.runs.show import progress_for
from bertslim.commands import analyze as command
from bertslim.options.analyze import AnalyzeOptions
from bertslim.report.analysis_sections import analysis_text


def run(options: AnalyzeOptions, *, quiet: bool, as_json: bool) -> None:
    """Analyse a model and print the analysis."""
    result = command.analyze(options, progress_for(quiet=quiet, as_json=as_json))
    if as_json:
        typer.echo(result.analysis.to_json(), nl=False)
    elif not quiet:
        typer.echo(analysis_text(result.analysis))
        typer.echo(f"Written to {result.directory}, the recipe to {result.recipe}.")
        if result.reported_in:
            typer.echo(f"The report of {result.reported_in} has the analysis, too.")
