"""Run `bertslim analyze` and print what it finds."""

from __future__ import annotations

import shlex

from bertslim.cli.runs.show import progress_for
from bertslim.commands import analyze as command
from bertslim.options.analyze import AnalyzeOptions
from bertslim.report.analysis_sections import analysis_text
from bertslim.terminal import print_json, print_line, print_text


def run(options: AnalyzeOptions, *, quiet: bool, as_json: bool) -> None:
    """Analyse a model and print the analysis."""
    result = command.analyze(options, progress_for(quiet=quiet, as_json=as_json))
    if as_json:
        print_json(result.analysis.to_json())
    elif not quiet:
        print_text(analysis_text(result.analysis))
        directory, recipe = (shlex.quote(str(path)) for path in (result.directory, result.recipe))
        print_line(f"Written to {directory}, the recipe to {recipe}.")
        if result.reported_in:
            reported_in = shlex.quote(str(result.reported_in))
            print_line(f"The report of {reported_in} has the analysis, too.")
