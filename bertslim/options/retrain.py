"""The settings of `bertslim retrain`. Annotations are evaluated: the command line needs them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bertslim.data.data_options import SOURCES_HELP, DataOptions
from bertslim.devices import DeviceChoice
from bertslim.measure.measure_options import SHOW_TEXTS_HELP
from bertslim.option_fields import OptionsModel, group, option
from bertslim.options.shared import (
    DEVICE,
    FORCE,
    MODEL,
    OUTPUT_DIRECTORY,
    PUSH_TO_HUB,
    SEED,
    THREADS,
)


@dataclass(frozen=True)
class RetrainOptions(OptionsModel):
    """The settings of one training.

    Attributes:
        model: A local directory, `pkg:NAME` or a Hub id.
        data: Rows to learn from: labelled, or, with a teacher, texts alone.
        output: Where the result goes; None: `./<model>-retrained`.
        teacher: A model to learn from, named like `model`; None: learn from labels alone.
        epochs: How long, in passes over the training texts; without any of the three 3, or 1 with
            a teacher.
        steps: How long, in batches.
        minutes: How long, by the clock.
        learning_rate: The highest; None: one that suits the width of the model.
        batch_size: Texts a step, of all processes together; None: 16, or 32 with a teacher.
        max_length: Tokens at which texts are cut.
        logits_weight: How much the teacher's answers count; None: 1.
        hidden_weight: How much the teacher's hidden states count; None: 6.
        labels_weight: How much the labels count beside the teacher; None: 0.
        temperature: What the logits of teacher and model are divided by; None: 2.
        dropout: Whether the model's dropout is kept; None: only without a teacher.
        dtype: The type of multiplications.
        patience: Scores on the select split without progress before it stops; None: never.
        new_head: Whether the model gets a new head.
        show_texts: Whether the report may quote held-out texts, those that are answered differently
            from the teacher, or from before.
        report_to: The trackers of experiments that transformers' Trainer knows, by name.
        resume: Whether to continue an interrupted run, if there is one.
        push_to_hub: A repository on the Hub to upload the result into; None: it stays here.
        device: Where to train and score.
        seed: Seeds every random step.
        threads: Threads of every computation; None: all cores.
        force: Whether an existing output, or an interrupted run, may be replaced.
        command: The command line, for the record.
    """

    model: str = field(metadata=MODEL)
    data: DataOptions = field(
        metadata=group(
            DataOptions,
            replaced={
                "data": option("--data", help=f"Texts to train on. {SOURCES_HELP}", shown=False)
            },
        )
    )
    output: Path | None = field(default=None, metadata=OUTPUT_DIRECTORY)
    teacher: str | None = field(
        default=None,
        metadata=option(
            "--teacher",
            help="A model to learn from, such as the base; then texts need no labels.",
            role="input",
        ),
    )
    epochs: float | None = field(
        default=None,
        metadata=option(
            "--epochs",
            low=0.01,
            help="How long: passes over the training texts.",
            shown="3, with a teacher 1",
        ),
    )
    steps: int | None = field(
        default=None, metadata=option("--steps", low=1, help="How long: batches.")
    )
    minutes: float | None = field(
        default=None, metadata=option("--minutes", low=0.01, help="How long: by the clock.")
    )
    learning_rate: float | None = field(
        default=None,
        metadata=option(
            "--learning-rate",
            low=1e-9,
            high=0.999,
            help="The highest learning rate.",
            shown="by the width of the model",
        ),
    )
    batch_size: int | None = field(
        default=None,
        metadata=option(
            "--batch-size",
            low=1,
            help="Texts a step, of all processes together.",
            shown="16, with a teacher 32",
        ),
    )
    max_length: int = field(
        default=128, metadata=option("--max-length", low=4, help="Tokens at which texts are cut.")
    )
    logits_weight: float | None = field(
        default=None,
        metadata=option(
            "--logits-weight", low=0, help="How much the teacher's answers count.", shown="1"
        ),
    )
    hidden_weight: float | None = field(
        default=None,
        metadata=option(
            "--hidden-weight", low=0, help="How much the teacher's hidden states count.", shown="6"
        ),
    )
    labels_weight: float | None = field(
        default=None,
        metadata=option(
            "--labels-weight",
            low=0,
            help="How much the labels count beside the teacher.",
            shown="0",
        ),
    )
    temperature: float | None = field(
        default=None,
        metadata=option(
            "--temperature",
            low=0.01,
            help="What the logits of teacher and model are divided by.",
            shown="2",
        ),
    )
    dropout: bool | None = field(
        default=None,
        metadata=option(
            "--dropout/--no-dropout",
            help="Train with the model's dropout, or not.",
            shown="not with a teacher",
        ),
    )
    dtype: Literal["auto", "float32"] = field(
        default="auto",
        metadata=option(
            "--dtype", help="Type of multiplications; auto is bfloat16 if the processor has it."
        ),
    )
    patience: int | None = field(
        default=None,
        metadata=option(
            "--patience",
            low=1,
            help="Stop after so many of the ten scores on the select split without progress.",
            shown="train to the end",
        ),
    )
    new_head: bool = field(
        default=False,
        metadata=option("--new-head", help="Give the model a new head, for labels of other data."),
    )
    show_texts: bool = field(default=False, metadata=option("--show-texts", help=SHOW_TEXTS_HELP))
    report_to: tuple[str, ...] = field(
        default=(),
        metadata=option(
            "--report-to",
            help="A tracker of experiments that transformers knows, such as tensorboard.",
            shown=False,
        ),
    )
    resume: bool = field(
        default=False,
        metadata=option("--resume", help="Continue the same training where it was interrupted."),
    )
    push_to_hub: str | None = field(default=None, metadata=PUSH_TO_HUB)
    device: DeviceChoice = field(default="auto", metadata=DEVICE)
    seed: int = field(default=0, metadata=SEED)
    threads: int | None = field(default=None, metadata=THREADS)
    force: bool = field(default=False, metadata=FORCE)
    command: tuple[str, ...] = ()
