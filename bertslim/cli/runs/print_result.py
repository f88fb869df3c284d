"""Run a command that writes a slim model, and print its result."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from bertslim.cli.runs.show import progress_for
from bertslim.commands.slim_result import SlimResult
from bertslim.progress import Progress
from bertslim.ranks import launched_rank
from bertslim.report.render import render_summary
from bertslim.terminal import print_json, print_line, print_text


def run_and_print(run: Callable[[Progress], SlimResult], *, quiet: bool, as_json: bool) -> None:
    """Run it; of several processes the first one alone prints."""
    silent = quiet or launched_rank() > 0
    result = run(progress_for(quiet=silent, as_json=as_json))
    if launched_rank() > 0:
        return
    if as_json:
        print_json(result.record.to_json())
    elif not quiet:
        print_text(render_summary(result.record))
        for note in result.record.notes:
            print_line(f"Note: {note}.")
        directory = shlex.quote(str(result.directory))
        print_line(f"Written to {directory}; `bertslim report {directory}` prints the full report.")
        if result.uploaded_to:
            print_line(f"Uploaded to {result.uploaded_to}.")
