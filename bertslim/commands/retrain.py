"""`bertslim retrain`: train a pretrained or slim model, from labels or with a teacher."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from bertslim.commands.publish import model_record, now, publish
from bertslim.commands.train import (
    Student,
    TeacherModel,
    TrainedWeights,
    TrainingOptions,
    check_teacher,
    train_model,
)
from bertslim.data.load import DataOptions, describe_head, load_splits
from bertslim.data.task import HeadFacts
from bertslim.data.tasks import TASKS
from bertslim.errors import DataError
from bertslim.file_names import RECORD_FILE
from bertslim.measure.environment import describe_environment
from bertslim.model.checkpoint_files import find_weights, read_config
from bertslim.model.config_facts import read_facts
from bertslim.model.copied_files import copy_files
from bertslim.model.model_source import ModelSource, find_model
from bertslim.model.tokenizer import load_tokenizer
from bertslim.output import check_space, output_directory, writing
from bertslim.progress import Progress
from bertslim.ranks import Ranks, current_ranks
from bertslim.recipe.schema import Retrain
from bertslim.records import LayerPlan, ModelRecord, Record, read_record
from bertslim.version import __version__
from bertslim.wording import listed

if TYPE_CHECKING:
    from bertslim.data.splits import Splits
    from bertslim.measure.evaluation import Evaluation
    from bertslim.model.checkpoint import Checkpoint


@dataclass(frozen=True)
class RetrainOptions:
    """What `bertslim retrain` was asked for.

    Attributes:
        model: A local directory, `pkg:NAME` or a Hub id.
        data: Rows to learn from: labelled, or, with a teacher, texts alone.
        output: Where the result goes; None: `./<model>-retrained`.
        teacher: A model to learn from, named like `model`; None: learn from labels alone.
        settings: How long and how to train.
        threads: Threads of every computation.
        seed: Settles every random step.
        new_head: Whether the model forgets its head and gets a new one.
        resume: Whether to go on with a run that was interrupted, if there is one.
        show_texts: Whether the report may quote held-out texts, those that are answered differently
            from the teacher, or from before.
        report_to: The trackers of experiments that transformers' Trainer knows, by name.
        command: The command line, for the record.
        force: Whether an existing output, or an interrupted run, may be replaced.
    """

    model: str
    data: DataOptions
    output: Path | None = None
    teacher: str | None = None
    settings: Retrain = field(
        default_factory=lambda: Retrain(epochs=3.0, batch_size=16, dropout="keep")
    )
    threads: int = 1
    seed: int = 0
    new_head: bool = False
    resume: bool = False
    show_texts: bool = False
    report_to: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    force: bool = False


@dataclass(frozen=True)
class RetrainResult:
    """Where the trained model is, and the account of how it came to be."""

    directory: Path
    record: Record


def retrain(options: RetrainOptions, progress: Progress) -> RetrainResult:
    """Train a model: on labelled rows of its task, or to do as a teacher does.

    A model with a head for the labels goes on from where it is; without a teacher, any other model
    gets a new head for them. Where several processes were launched together, they share the
    batches, the first one writes and measures, and all return the same.

    Raises:
        InputError: The model, the teacher, the data or the output is not usable.
    """
    source = find_model(options.model)
    target = options.output or Path(f"{source.name}-retrained")
    ranks = current_ranks()
    run = _Run(options, source, target, ranks, progress)
    if ranks.rank > 0:
        run.train()
        return RetrainResult(target, Record.model_validate_json(ranks.from_first("")))
    with output_directory(target, force=options.force, keep=source.directory) as directory:
        check_space(directory, find_weights(source.directory).size)
        record = run.into(directory)
        with writing(target):
            publish(record, directory, base=source.directory)
    run.training_options.interruption.clear()
    ranks.from_first(record.to_json())
    return RetrainResult(target, record)


@dataclass
class _Run:
    """One training, from the data to the record."""

    options: RetrainOptions
    source: ModelSource
    target: Path
    ranks: Ranks
    progress: Progress

    @property
    def training_options(self) -> TrainingOptions:
        options = self.options
        return TrainingOptions(
            target=self.target,
            seed=options.seed,
            resume=options.resume,
            force=options.force,
            report_to=options.report_to,
            ranks=self.ranks,
        )

    def train(self) -> TrainedWeights:
        """Train, and return the best weights."""
        import torch

        torch.set_num_threads(self.options.threads)
        teacher, splits = self._teacher, self._splits
        with self.progress.step("load"):
            start = self._start()
            student = Student(start, self._start_record.sha256, load_tokenizer(self._directory))
        with self.progress.step("train"):
            return train_model(
                student,
                teacher,
                splits,
                self.options.settings,
                self.training_options,
                self.progress,
            )

    def into(self, directory: Path) -> Record:
        """Train, write the result into a directory, measure it and return the record."""
        from bertslim.model.checkpoint import save_checkpoint

        trained = self.train()
        with self.progress.step("save"), writing(self.target):
            start = self._start()
            start.model.load_state_dict(trained.weights)
            save_checkpoint(start.model, directory, start.extra)
            copy_files(self._directory, directory, as_embedder=start.facts.head == "")
        with self.progress.step("measure quality"):
            quality = self._measure(directory)
        base = self._teacher.record if self._teacher else self._start_record
        return Record(
            bertslim=__version__,
            created=now(),
            kind="retrain",
            command=self.options.command,
            seed=self.options.seed,
            base=base,
            slim=model_record(self.target.name, directory),
            data=self._splits.record,
            environment=describe_environment(self.options.threads),
            steps=self.progress.steps,
            training=trained.training.model_copy(update={"start_model": self._start_record}),
            measurements=quality.measurements,
            notes=quality.notes,
            disagreements=quality.disagreements,
        )

    @property
    def _directory(self) -> Path:
        return self.source.directory

    @cached_property
    def _head(self) -> HeadFacts:
        """Say what the model's head asks of the data; nothing where it will be replaced."""
        if self.options.new_head:
            return HeadFacts()
        config = read_config(self._directory)
        head = describe_head(self._directory, config, read_facts(config))
        trained = {task.head for task in TASKS.values() if task.trainable}
        return head if self.options.teacher or head.kind in trained else HeadFacts()

    @cached_property
    def _splits(self) -> Splits:
        with self.progress.step("read the data"):
            splits = load_splits(self.options.data, self._head, self.progress)
        if not self.options.teacher:
            _check_trainable(splits, self.options.data.data)
        elif self.options.settings.distill.labels and not splits.fit.labelled:
            raise DataError(
                "the data have no labels to train on",
                where=self.options.data.data,
                remedy="name the column with --label-column, or leave out --labels-weight",
            )
        return splits

    @cached_property
    def _teacher(self) -> TeacherModel | None:
        if self.options.teacher is None:
            return None
        from bertslim.model.checkpoint import load_checkpoint

        source = find_model(self.options.teacher)
        checkpoint = load_checkpoint(source.directory)
        checkpoint.model.float()
        record = model_record(source.given, source.directory)
        teacher = TeacherModel(checkpoint, record, self._plan(record))
        if not self.options.new_head:  # known before the data are read
            facts = read_facts(read_config(self._directory))
            check_teacher(teacher, facts, self.options.settings)
        return teacher

    def _plan(self, teacher: ModelRecord) -> tuple[LayerPlan, ...] | None:
        """Return what became of the teacher's layers, if the model was cut from it."""
        if not (self._directory / RECORD_FILE).is_file():
            return None
        record = read_record(self._directory)
        if record.plan is None or record.base.sha256 != teacher.sha256:
            return None
        return record.plan.layers

    @cached_property
    def _start_record(self) -> ModelRecord:
        return model_record(self.source.given, self._directory)

    def _start(self) -> Checkpoint:
        """Load the model as it is before the training, each time the same."""
        from bertslim.model.checkpoint import load_checkpoint, load_with_new_head

        if self._head.kind is not None:
            return load_checkpoint(self._directory)
        task = self._splits.fit.task
        return load_with_new_head(
            self._directory,
            self._splits.record.labels or tuple(f"LABEL_{n}" for n in range(task.outputs)),
            seed=self.options.seed,
            head=task.head,
            problem_type=task.problem_type,
        )

    def _measure(self, directory: Path) -> Evaluation:
        """Compare the result to the teacher, else to the model as it was."""
        from bertslim.measure.evaluation import evaluate, evaluate_alone
        from bertslim.model.checkpoint import load_checkpoint

        slim, tokenizer = load_checkpoint(directory), load_tokenizer(directory)
        seed, progress = self.options.seed, self.progress
        if self._head.kind is None:
            return evaluate_alone(slim, self._splits, tokenizer, seed=seed, progress=progress)
        given = find_model(self.options.teacher) if self.options.teacher else self.source
        base = load_checkpoint(given.directory)
        return evaluate(
            base,
            slim.model,
            self._splits,
            tokenizer,
            seed=seed,
            progress=progress,
            show_texts=self.options.show_texts,
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
