"""The work of `bertslim retrain`: train the model, save and measure it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch

from bertslim.commands.publish import model_record, record_of
from bertslim.commands.slim_result import Making, SavedSlim, SlimJob, SlimWork
from bertslim.data.splits import Splits
from bertslim.data.task import HeadFacts
from bertslim.data.text_regression import TextRegression
from bertslim.file_names import RECORD_FILE
from bertslim.measure.evaluation import Evaluation, evaluate, evaluate_alone
from bertslim.model.checkpoint import (
    Checkpoint,
    load_checkpoint,
    load_with_new_head,
    save_checkpoint,
)
from bertslim.model.copied_files import copy_files
from bertslim.model.cross_encoder import IDENTITY, read_activation, write_activation
from bertslim.model.model_source import ModelSource
from bertslim.model.sentence_transformers_class import sentence_transformers_class
from bertslim.model.tokenizer import load_tokenizer
from bertslim.output.writing import writing
from bertslim.progress import Progress
from bertslim.recipe.schema import Retrain
from bertslim.records import LayerPlan, ModelRecord, read_record
from bertslim.training.train_model import Student, TeacherModel, TrainedWeights, train_model


@dataclass
class RetrainWork(SlimWork):
    """The work of one training.

    Attributes:
        job: The settings.
        settings: How long and how to train.
        head: The data that the model's head needs; of no kind where it gets a new one.
        teacher: A model to learn from; None: learn from labels alone.
        splits: The data.
        show_texts: Whether the record may hold held-out texts that are answered differently.
        progress: Shows the steps.
    """

    job: SlimJob
    settings: Retrain
    head: HeadFacts
    teacher: ModelSource | None
    splits: Splits
    show_texts: bool
    progress: Progress

    def make(self) -> Making:
        """Train, from the weights that the model starts with to the best ones."""
        training = self._trained.training.model_copy(update={"start_model": self._start_record})
        return Making(training=training, notes=self._notes)

    def save(self, directory: Path) -> SavedSlim:
        """Write the model with its best weights, and the files that it came with."""
        with self.progress.step("save"), writing(self.job.target):
            start = self._load_start()
            start.model.load_state_dict(self._trained.weights)
            save_checkpoint(start.model, directory, start.extra, start.config)
            notes = copy_files(self._directory, directory, as_embedder=self._stays_in_its_class)
            self._settle_activation(directory)
        return SavedSlim(
            base=self._teacher.record if self._teacher else self._start_record,
            slim=model_record(self.job.target.name, directory),
            notes=notes,
        )

    def measure(self, directory: Path) -> Evaluation:
        """Compare the saved model with the teacher, else with the model before."""
        with self.progress.step("measure quality"):
            slim, tokenizer = load_checkpoint(directory), load_tokenizer(directory)
            seed, progress = self.job.seed, self.progress
            slim.to(self.job.devices.work)
            if self.head.kind is None:
                return evaluate_alone(slim, self.splits, tokenizer, seed=seed, progress=progress)
            base = load_checkpoint((self.teacher or self.job.source).directory)
            base.to(self.job.devices.work)
            return evaluate(
                base,
                slim.model,
                self.splits,
                tokenizer,
                seed=seed,
                progress=progress,
                show_texts=self.show_texts,
            )

    @property
    def _stays_in_its_class(self) -> bool:
        """Whether the class of sentence-transformers that ran the model runs the result, too."""
        if self.head.kind is not None:
            return True
        return sentence_transformers_class(self._directory, self.splits.fit.task.head) is not None

    def _settle_activation(self, directory: Path) -> None:
        """Name what CrossEncoder applies to the outputs, so that its scores are those learned."""
        distill, teacher = self.settings.distill, self.teacher
        learns_scores = isinstance(self.splits.fit.task, TextRegression)
        if teacher is not None and distill.logits:
            write_activation(directory, read_activation(teacher.directory))
        elif learns_scores and (teacher is None or distill.labels):
            write_activation(directory, IDENTITY)
        elif self.head.kind is None:
            write_activation(directory, None)

    @property
    def _directory(self) -> Path:
        return self.job.source.directory

    @cached_property
    def _trained(self) -> TrainedWeights:
        torch.set_num_threads(self.job.threads)
        teacher = self._teacher
        with self.progress.step("load"):
            start = self._load_start()
            tokenizer = load_tokenizer(
                self._directory, as_sentence_transformer=self._stays_in_its_class
            )
            student = Student(start, self._start_record.sha256, tokenizer)
        with self.progress.step("train"):
            return train_model(
                student, teacher, self.splits, self.settings, self.job.training, self.progress
            )

    @cached_property
    def _notes(self) -> tuple[str, ...]:
        return self._load_start().notes

    @cached_property
    def _teacher(self) -> TeacherModel | None:
        if self.teacher is None:
            return None
        checkpoint = load_checkpoint(self.teacher.directory)
        checkpoint.model.float()
        record = record_of(self.teacher)
        return TeacherModel(checkpoint, record, self._plan(record))

    def _plan(self, teacher: ModelRecord) -> tuple[LayerPlan, ...] | None:
        """Return the plan of the teacher's layers, if the model was cut from it."""
        if not (self._directory / RECORD_FILE).is_file():
            return None
        record = read_record(self._directory)
        recorded = record.base.sha256, record.slim.sha256
        if record.plan is None or recorded != (teacher.sha256, self._start_record.sha256):
            return None
        return record.plan.layers

    @cached_property
    def _start_record(self) -> ModelRecord:
        return record_of(self.job.source)

    def _load_start(self) -> Checkpoint:
        """Load the model as it is before the training, each time the same."""
        if self.head.kind is not None:
            return load_checkpoint(self._directory)
        task = self.splits.fit.task
        return load_with_new_head(
            self._directory,
            self.splits.record.labels or tuple(f"LABEL_{n}" for n in range(task.outputs)),
            seed=self.job.seed,
            head=task.head,
            problem_type=task.problem_type,
        )
