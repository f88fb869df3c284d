"""`bertslim search`."""

from __future__ import annotations

from bertslim.cli.command_line import command_line
from bertslim.cli.options import (
    DebugOption,
    Given,
    JsonOption,
    QuietOption,
    takes_options,
)
from bertslim.options.search import SearchOptions


@takes_options
def search(
    given: Given[SearchOptions],
    quiet: QuietOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Search for the best cut of a model within a target.

    Blocks are deleted or narrowed layer by layer, each as far as texts and this machine show to be
    best. Without a target the whole frontier is written, with a recipe for each point. With one
    the chosen model is written, with its report and its recipe. Ctrl-C ends a search with the best
    so far.

    \b
    Examples:
      bertslim search ./my-classifier --data reviews.csv
      bertslim search ./my-classifier --data reviews.csv --target-latency 0.5x
      bertslim search ./my-classifier --data reviews.csv --max-accuracy-drop 1.0
      bertslim search ./my-classifier --data reviews.csv --target-params 15M --minutes 3

    \b
    Exit codes: 3 nothing is within the target, 4 the rows are too few to tell.
    """
    options = given.make(command=command_line())
    from bertslim.cli.runs.search import run

    run(options, quiet=quiet, as_json=as_json)
