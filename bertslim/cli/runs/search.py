"""Run `bertslim search` and print what it finds."""

from __future__ import annotations

import shlex

from bertslim.cli.runs.show import progress_for
from bertslim.commands import search as command
from bertslim.options.search import SearchOptions
from bertslim.ranks import launched_rank
from bertslim.report.frontier_sections import frontier_text
from bertslim.terminal import print_json, print_line, print_text


def run(options: SearchOptions, *, quiet: bool, as_json: bool) -> None:
    """Search and print the frontier; fail if what was asked for was not found.

    Of several processes the first one alone prints.
    """
    is_first = launched_rank() == 0
    progress = progress_for(quiet=quiet or not is_first, as_json=as_json)
    result = command.search(options, progress)
    if not is_first:
        return
    if as_json:
        print_json(result.frontier.to_json())
    elif not quiet:
        print_text(frontier_text(result.frontier))
        directory = shlex.quote(str(result.directory))
        print_line(f"Written to {directory}, a recipe for each point to {directory}/recipes.")
    result.enforce()
