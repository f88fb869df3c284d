"""Train a model briefly, with a teacher or from labels, and keep its best weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from bertslim.data.batches import batches
from bertslim.data.load import BATCH_SIZE
from bertslim.data.splits import Splits
from bertslim.data.task import Batch, Rows
from bertslim.model.checkpoint import Checkpoint
from bertslim.output.writing import room_beside, writing
from bertslim.progress import Progress
from bertslim.recipe.schema import Retrain
from bertslim.recipe.sizes import count
from bertslim.records import LayerPlan, ModelFacts, ModelRecord, Training
from bertslim.training.distillation import Distillation, Teacher
from bertslim.training.interruption import Interruption
from bertslim.training.layer_map import layer_map
from bertslim.training.selection import ByLabels, ByTeacher, Selection
from bertslim.training.trainer import TrainingObjective, TrainingRun
from bertslim.training.training_options import TrainingOptions, check_teacher
from bertslim.training.training_run import check_trackers, train
from bertslim.version import __version__

SELECT_ROWS = 1024  # that the teacher's answers are compared on, at each look
LABELLED_SELECT_ROWS = 2048  # scores of labels are noisier
_SMALL_HIDDEN_SIZE = 512


@dataclass(frozen=True)
class TeacherModel:
    """A model to learn from.

    Attributes:
        checkpoint: The model, in eval mode.
        record: Which checkpoint it is.
        plan: The change of its layers in the student; None: not known.
    """

    checkpoint: Checkpoint
    record: ModelRecord
    plan: Sequence[LayerPlan] | None


@dataclass(frozen=True)
class Student:
    """A model to train.

    Attributes:
        checkpoint: The model, in eval mode; training spoils it.
        sha256: Of the weights that it starts with.
        tokenizer: Its tokenizer.
    """

    checkpoint: Checkpoint
    sha256: str
    tokenizer: PreTrainedTokenizerBase


@dataclass(frozen=True)
class TrainedWeights:
    """The weights that did best on the select split, by name, and the account of the training."""

    weights: dict[str, Tensor]
    training: Training


def train_model(
    student: Student,
    teacher: TeacherModel | None,
    splits: Splits,
    settings: Retrain,
    options: TrainingOptions,
    progress: Progress,
) -> TrainedWeights:
    """Train a model on the fit split, and choose among its weights on the select split.

    Its temporary files are removed by `options.interruption.clear()`, once the result is safe.

    Args:
        student: The model.
        teacher: Whom it learns from; None: from labels alone.
        splits: The data.
        settings: How long and how.
        options: What else there is to say.
        progress: Shows the steps.

    Raises:
        DataError: There are too few rows.
        ModelError: The teacher is of no use to the student, or the loss is not a number.
        OutputError: An interrupted run lies in the way.
    """
    check_trackers(options.report_to)
    if teacher is not None:
        check_teacher(
            teacher.record.source, teacher.checkpoint.facts, student.checkpoint.facts, settings
        )
    asked_length = settings.max_length
    settings = settled(settings, student, teacher is not None)
    if settings.max_length < asked_length:
        progress.tell(f"texts are cut at {settings.max_length} tokens: the model takes no more")
    interruption = options.interruption
    if options.ranks.rank == 0:
        request = _request(student, teacher, splits, settings, options)
        with writing(options.target):
            interruption.begin(request, resume=options.resume, force=options.force)
        _tell_resumed(interruption, options, settings, progress)
    options.ranks.from_first("")
    asked: Teacher | None = None
    if teacher is not None:
        depths = len(student.checkpoint.facts.layers), len(teacher.checkpoint.facts.layers)
        layers = layer_map(*depths, teacher.plan)
        asked = Teacher(teacher.checkpoint, layers)
    objective = TrainingObjective(
        rows=splits.fit,
        tokenizer=student.tokenizer,
        selection=_selection(asked, student, splits, settings, options.seed),
        distillation=_distillation(asked, settings),
        head=student.checkpoint.facts.head,
    )
    run = TrainingRun(
        settings,
        options.seed,
        interruption,
        options.report_to,
        options.device,
        options.ranks.count,
    )
    with (
        _left_on_the_way(options, progress),
        room_beside(options.target),
    ):
        training = train(student.checkpoint.model.float(), objective, run, progress)
    account = training.model_copy(
        update={
            "teacher": teacher.record if teacher else None,
            "macs": _macs(training, student, teacher),
        }
    )
    return TrainedWeights(interruption.read_best(training.best_step), account)


def settled(settings: Retrain, student: Student, has_teacher: bool) -> Retrain:
    """Fill in what was left to bertslim, and keep to what model and tokenizer can take."""
    facts = student.checkpoint.facts
    rate = settings.learning_rate or default_learning_rate(facts.hidden_size, has_teacher)
    length = min(settings.max_length, facts.max_length, student.tokenizer.model_max_length)
    return settings.model_copy(update={"learning_rate": rate, "max_length": length})


def default_learning_rate(hidden_size: int, has_teacher: bool) -> float:
    """Return a safe learning rate.

    Small models bear a larger one. One that has a teacher is near it already, and a large step
    leads it away.
    """
    rate = 1e-4 if hidden_size < _SMALL_HIDDEN_SIZE else 5e-5
    return 0.6 * rate if has_teacher else rate


def _selection(
    teacher: Teacher | None, student: Student, splits: Splits, settings: Retrain, seed: int
) -> Selection:

    if teacher is not None:
        rows = _drawn(splits.select, SELECT_ROWS, seed)
        return ByTeacher(teacher, _batches(rows, student, settings))
    rows = _drawn(splits.select, LABELLED_SELECT_ROWS, seed)
    return ByLabels(rows, _batches(rows, student, settings), student.checkpoint.facts)


def _distillation(teacher: Teacher | None, settings: Retrain) -> Distillation | None:
    """Return what the teacher adds to the loss; nothing where only labels count."""
    if teacher is None or not settings.distill.asks_teacher:
        return None
    return Distillation(teacher, settings.distill)


def _drawn(rows: Rows, most: int, seed: int) -> Rows:

    if len(rows) <= most:
        return rows
    drawn = np.random.default_rng(seed).choice(len(rows), most, replace=False)
    return rows.select(sorted(drawn.tolist()))


def _batches(rows: Rows, student: Student, settings: Retrain) -> list[Batch]:

    return batches(
        rows,
        student.tokenizer,
        batch_size=BATCH_SIZE,
        max_length=settings.max_length,
        label=rows.task.makes_labels,
    )


def _request(
    student: Student,
    teacher: TeacherModel | None,
    splits: Splits,
    settings: Retrain,
    options: TrainingOptions,
) -> dict[str, Any]:
    """Say all that settles what the run comes to."""
    return {
        "bertslim": __version__,
        "model": student.sha256,
        "teacher": teacher.record.sha256 if teacher else None,
        "data": [splits.fit.sha256, splits.select.sha256],
        "processes": options.ranks.count,
        "seed": options.seed,
        **settings.model_dump(mode="json", exclude_none=True),
    }


@contextmanager
def _left_on_the_way(options: TrainingOptions, progress: Progress) -> Iterator[None]:
    """Where the block fails, keep what a later run can go on from, and nothing else."""
    interruption, ranks = options.interruption, options.ranks
    try:
        yield
    except BaseException:  # an interrupt too
        latest = interruption.latest() if options.resumable else None
        if ranks.rank == 0 and latest is None:
            interruption.clear()
        elif ranks.rank == 0 and latest is not None:
            step = interruption.read_account(latest).step
            progress.tell(f"training stopped; continue after step {step:,} with --resume")
        raise


def _tell_resumed(
    interruption: Interruption, options: TrainingOptions, settings: Retrain, progress: Progress
) -> None:
    latest = interruption.latest()
    if latest is None:
        if options.resume:
            progress.tell("nothing was interrupted here: training begins anew")
        return
    account = interruption.read_account(latest)
    other = "; by the clock it may come to another result" if settings.minutes else ""
    progress.tell(f"training continues after step {account.step:,}{other}")


def _macs(training: Training, student: Student, teacher: TeacherModel | None) -> int:
    """Count multiply-accumulates: a backward pass as two forward ones, the looks left out."""
    if not training.sequences:
        return 0
    length = round(training.tokens / training.sequences)
    each = 3 * _forward_macs(student.checkpoint.facts, length)
    each += _forward_macs(teacher.checkpoint.facts, length) if teacher else 0
    return training.sequences * each


def _forward_macs(facts: ModelFacts, length: int) -> int:
    return count(facts, facts.layers, length).macs
