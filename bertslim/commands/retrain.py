"""`bertslim retrain`: preparation and checks; the computation is in `retrain_work`."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from bertslim.commands.slim_result import SlimJob, SlimResult, SlimRun, write_slim
from bertslim.data.load import load_splits
from bertslim.data.task import HeadFacts
from bertslim.data.tasks import TASKS
from bertslim.errors import DataError, InputError, ModelError
from bertslim.measure.environment import usable_threads
from bertslim.measure.gpu import resolve_devices
from bertslim.model.description import describe_checkpoint
from bertslim.model.embedder_files import read_embedder
from bertslim.model.head_facts import describe_head
from bertslim.model.model_source import ModelSource, find_model
from bertslim.model.tokenizer import check_tokenizer
from bertslim.options.retrain import RetrainOptions
from bertslim.output.inputs import inputs_of
from bertslim.progress import Progress
from bertslim.ranks import current_ranks
from bertslim.recipe.schema import Distill, Retrain
from bertslim.records import ModelFacts
from bertslim.training.training_options import TrainingOptions, check_teacher
from bertslim.wording import listed, shown

if TYPE_CHECKING:
    from bertslim.commands.retrain_work import RetrainWork
    from bertslim.data.splits import Splits

EPOCHS, EPOCHS_WITH_TEACHER = 3.0, 1.0
BATCH_SIZE, BATCH_SIZE_WITH_TEACHER = 16, 32


def retrain(options: RetrainOptions, progress: Progress) -> SlimResult:
    """Train a model: on labelled rows of its task, or with a teacher.

    A model with a head for the labels is trained further; without a teacher, any other model gets
    a new head for them. Where several processes were launched together, they share the
    batches, the first one writes and measures, and all return the same.

    Raises:
        InputError: The options contradict each other, or the model, the teacher, the data or the
            output is not usable.
    """
    settings = training_section(options)
    source = find_model(options.model)
    return write_slim(_RetrainRun(options, settings, _job(options, source), progress))


def training_section(options: RetrainOptions) -> Retrain:
    """Return how to train, as the section `retrain` of a recipe has it.

    Raises:
        InputError: Two options set the duration, or one needs a teacher and there is none.
    """
    taught = options.teacher is not None
    timed = (options.epochs, options.steps, options.minutes)
    epochs = options.epochs
    if all(budget is None for budget in timed):
        epochs = EPOCHS_WITH_TEACHER if taught else EPOCHS
    dropout = not taught if options.dropout is None else options.dropout
    settings = Retrain(
        epochs=epochs,
        steps=options.steps,
        minutes=options.minutes,
        batch_size=options.batch_size or (BATCH_SIZE_WITH_TEACHER if taught else BATCH_SIZE),
        learning_rate=options.learning_rate,
        max_length=options.max_length,
        dropout="keep" if dropout else "off",
        dtype=options.dtype,
        patience=options.patience,
        distill=_distill(options),
    )
    first, *others = settings.budgets
    if others:
        raise InputError(
            f"--{first} sets the duration already", where=f"--{others[0]}", remedy="leave one out"
        )
    return settings


def _distill(options: RetrainOptions) -> Distill:
    weights = {
        "logits": options.logits_weight,
        "hidden": options.hidden_weight,
        "labels": options.labels_weight,
        "temperature": options.temperature,
    }
    chosen = {name: value for name, value in weights.items() if value is not None}
    for name in chosen:
        if options.teacher is None:
            option = f"--{name}" if name == "temperature" else f"--{name}-weight"
            raise InputError("needs --teacher beside it", where=option)
    distill = Distill(**chosen)
    if distill.empty:
        raise InputError("all weights are 0, so there is nothing to learn", where="--logits-weight")
    return distill


def _job(options: RetrainOptions, source: ModelSource) -> SlimJob:
    target = options.output or Path(f"{source.name}-retrained")
    devices = resolve_devices(options.device)
    ranks = current_ranks(devices.work)
    return SlimJob(
        kind="retrain",
        source=source,
        target=target,
        inputs=inputs_of(options),
        threads=usable_threads(options.threads),
        seed=options.seed,
        training=TrainingOptions(
            target=target,
            seed=options.seed,
            resume=options.resume,
            force=options.force,
            report_to=options.report_to,
            ranks=ranks,
            device=devices.work,
        ),
        ranks=ranks,
        command=options.command,
        force=options.force,
        repository=options.push_to_hub,
        devices=devices,
    )


class _RetrainRun(SlimRun):
    """One training, before a weight is read."""

    def __init__(
        self, options: RetrainOptions, settings: Retrain, job: SlimJob, progress: Progress
    ) -> None:
        self.options = options
        self.settings = settings
        self.job = job
        self.progress = progress

    @property
    def checkpoints(self) -> tuple[Path, ...]:
        """The model, and its teacher if it has one."""
        teacher = (self._teacher.directory,) if self._teacher else ()
        return (self.job.source.directory, *teacher)

    def load_data(self) -> Splits:
        """Load the data, and check that the model can learn from them and from the teacher."""
        check_tokenizer(self.job.source.directory)
        self._check_teacher()
        with self.progress.step("read the data"):
            splits = load_splits(self.options.data, self._head, self.progress)
        source = self.options.data.data
        if self._teacher is None:
            _check_trainable(splits, source)
        elif self.settings.distill.labels and not splits.fit.labelled:
            raise DataError(
                "the data have no labels to train on",
                where=source,
                remedy="name the column with --label-column, or leave out --labels-weight",
            )
        return splits

    def start_work(self, splits: Splits | None) -> RetrainWork:
        """Import the module that computes."""
        from bertslim.commands.retrain_work import RetrainWork

        assert splits is not None  # noqa: S101 (nothing is trained without data)
        return RetrainWork(
            self.job,
            self.settings,
            self._head,
            self._teacher,
            splits,
            self.options.show_texts,
            self.progress,
        )

    @cached_property
    def _teacher(self) -> ModelSource | None:
        return find_model(self.options.teacher) if self.options.teacher else None

    def _check_teacher(self) -> None:
        """Refuse a teacher that the model cannot learn from, unless the model gets a new head."""
        if self._teacher is None or self.options.new_head:
            return
        teacher, student = (
            describe_checkpoint(source.directory).facts
            for source in (self._teacher, self.job.source)
        )
        check_teacher(self._teacher.given, teacher, student, self.settings)
        if student.head == "":
            _check_same_embedder(self._teacher, self.job.source, student)

    @cached_property
    def _head(self) -> HeadFacts:
        """Describe the data that the model's head needs; nothing if it will be replaced."""
        if self.options.new_head:
            return HeadFacts()
        directory = self.job.source.directory
        described = describe_checkpoint(directory)
        head = describe_head(directory, described.config, described.facts)
        trained = {task.head for task in TASKS.values() if task.trainable}
        return head if self.options.teacher or head.kind in trained else HeadFacts()


def _check_same_embedder(teacher: ModelSource, student: ModelSource, facts: ModelFacts) -> None:
    """Refuse a teacher that embeds texts in another way, which the student's files do not say."""
    its, own = (read_embedder(source.directory, facts.hidden_size) for source in (teacher, student))
    for what, before, after in (
        ("embeds by", str(its), str(own)),
        ("reads after the prompt", its.prompt, own.prompt),
    ):
        if before != after:
            raise ModelError(
                f"the teacher {what} {shown(before)}, the model {shown(after)}",
                where=teacher.given,
                remedy="give both the same files of sentence-transformers",
            )


def _check_trainable(splits: Splits, source: str) -> None:
    for rows in (splits.fit, splits.report):
        if not rows.task.trainable:
            trained = [task.name for task in TASKS.values() if task.trainable]
            raise DataError(
                f"{rows.task.name} is not a task to train on without a teacher",
                where=source,
                remedy=f"name one with --teacher, or give labelled data of {listed(trained)}",
            )
        if not rows.labelled:
            raise DataError(
                "the data have no labels to train on",
                where=source,
                remedy="name the column with --label-column, or a model to learn from with "
                "--teacher",
            )
