"""`bertslim retrain`: fine-tune a pretrained or slim model on labelled data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bertslim import __version__
from bertslim.data.task import HeadFacts
from bertslim.data.tasks import TASKS
from bertslim.errors import DataError
from bertslim.measure.environment import describe_environment
from bertslim.model.carried import carry_files
from bertslim.model.facts import read_facts
from bertslim.model.files import find_weights, read_config
from bertslim.model.source import ModelSource, find_model
from bertslim.model.tokenizer import load_tokenizer
from bertslim.output_directory import check_space, output_directory, writing
from bertslim.pipeline.publish import model_record, now, publish
from bertslim.pipeline.texts import DataOptions, describe_head, load_splits
from bertslim.progress import Progress
from bertslim.records import Record
from bertslim.wording import listed

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from bertslim.data.splits import Splits
    from bertslim.model.checkpoint import Checkpoint
    from bertslim.pipeline.quality import Quality

_SMALL_HIDDEN_SIZE = 512


@dataclass(frozen=True)
class RetrainOptions:
    """What `bertslim retrain` was asked for.

    Attributes:
        model: A local directory, `pkg:NAME` or a Hub id.
        data: Labelled rows.
        output: Where the result goes; None: `./<model>-retrained`.
        epochs: Passes over the fit split.
        learning_rate: Its highest value; None: by the width of the model.
        batch_size: Rows a step.
        max_length: Tokens at which texts are cut.
        threads: Threads of every computation.
        seed: Settles every random step.
        new_head: Whether the model forgets its head and gets a new one.
        force: Whether an existing output may be replaced.
    """

    model: str
    data: DataOptions
    output: Path | None = None
    epochs: float = 3.0
    learning_rate: float | None = None
    batch_size: int = 16
    max_length: int = 128
    threads: int = 1
    seed: int = 0
    new_head: bool = False
    force: bool = False


@dataclass(frozen=True)
class RetrainResult:
    """Where the trained model is, and the account of how it came to be."""

    directory: Path
    record: Record


def retrain(options: RetrainOptions, progress: Progress) -> RetrainResult:
    """Fine-tune a model on labelled rows of a task that can be trained.

    A model with a head for it goes on from where it is, if the data have its labels; any other
    model gets a new head for theirs.

    Raises:
        InputError: The model, the data or the output is not usable.
    """
    source = find_model(options.model)
    head = HeadFacts() if options.new_head else _head(source)
    target = options.output or Path(f"{source.name}-retrained")
    with output_directory(target, force=options.force, keep=source.directory) as directory:
        check_space(directory, find_weights(source.directory).size)
        tokenizer = load_tokenizer(source.directory)
        with progress.step("read the data"):
            splits = _labelled_splits(options.data, head, progress)
        with progress.step("load"):
            start = _load(source, splits, head, seed=options.seed)
        with progress.step("train"):
            _train(start, tokenizer, splits, options, progress)
        with progress.step("save"), writing(target):
            _save(start, source, directory)
        with progress.step("measure quality"):
            before = source.directory if head.kind is not None else None
            quality = _measure(before, directory, splits, tokenizer, options, progress)
        record = Record(
            bertslim=__version__,
            created=now(),
            kind="retrain",
            seed=options.seed,
            base=model_record(source.given, source.directory),
            slim=model_record(target.name, directory),
            data=splits.record,
            environment=describe_environment(options.threads),
            steps=progress.steps,
            measurements=quality.measurements,
            notes=quality.notes,
        )
        with writing(target):
            publish(record, directory, base=source.directory)
    return RetrainResult(target, record)


def default_learning_rate(hidden_size: int) -> float:
    """Return a safe learning rate: small models bear a larger one."""
    return 1e-4 if hidden_size < _SMALL_HIDDEN_SIZE else 5e-5


def _head(source: ModelSource) -> HeadFacts:
    """Say what the model's head asks of the data; nothing where it will be replaced."""
    config = read_config(source.directory)
    head = describe_head(source.directory, config, read_facts(config))
    trained = {task.head for task in TASKS.values() if task.trainable}
    return head if head.kind in trained else HeadFacts()


def _labelled_splits(data: DataOptions, head: HeadFacts, progress: Progress) -> Splits:
    splits = load_splits(data, head, progress)
    for rows in (splits.fit, splits.report):
        if not rows.task.trainable:
            trained = [task.name for task in TASKS.values() if task.trainable]
            raise DataError(
                f"{rows.task.name} is not a task to train on",
                where=data.data,
                remedy=f"give labelled data of one of {listed(trained)}",
            )
        if not rows.labelled:
            raise DataError(
                "the data have no labels to train on",
                where=data.data,
                remedy="name the column with --label-column",
            )
    return splits


def _load(source: ModelSource, splits: Splits, head: HeadFacts, *, seed: int) -> Checkpoint:
    from bertslim.model.checkpoint import load_checkpoint, load_with_new_head

    if head.kind is not None:
        return load_checkpoint(source.directory)
    task = splits.fit.task
    return load_with_new_head(
        source.directory,
        splits.record.labels or tuple(f"LABEL_{number}" for number in range(task.outputs)),
        seed=seed,
        head=task.head,
        problem_type=task.problem_type,
    )


def _train(
    start: Checkpoint,
    tokenizer: PreTrainedTokenizerBase,
    splits: Splits,
    options: RetrainOptions,
    progress: Progress,
) -> None:
    import torch

    from bertslim.retrain.trainer import Training, fine_tune

    torch.set_num_threads(options.threads)
    training = Training(
        epochs=options.epochs,
        learning_rate=options.learning_rate or default_learning_rate(start.facts.hidden_size),
        batch_size=options.batch_size,
        max_length=min(options.max_length, start.facts.max_length),
        seed=options.seed,
    )
    fine_tune(start.model, tokenizer, splits.fit, training, progress)


def _save(trained: Checkpoint, source: ModelSource, directory: Path) -> None:
    from bertslim.model.checkpoint import save_checkpoint

    save_checkpoint(trained.model, directory, trained.extra)
    carry_files(source.directory, directory, as_embedder=False)


def _measure(
    before: Path | None,
    after: Path,
    splits: Splits,
    tokenizer: PreTrainedTokenizerBase,
    options: RetrainOptions,
    progress: Progress,
) -> Quality:
    from bertslim.model.checkpoint import load_checkpoint
    from bertslim.pipeline.quality import measure_accuracy_alone, measure_quality

    slim, seed = load_checkpoint(after), options.seed
    if before is None:
        return measure_accuracy_alone(slim, splits, tokenizer, seed=seed, progress=progress)
    base = load_checkpoint(before)
    return measure_quality(base, slim, splits, tokenizer, seed=seed, progress=progress)
