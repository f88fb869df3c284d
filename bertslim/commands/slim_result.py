"""The order of steps of every command that writes a slim model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bertslim.commands.hub_upload import check_upload, upload
from bertslim.commands.publish import now, publish
from bertslim.devices import Devices
from bertslim.measure.environment import describe_environment
from bertslim.measure.gpu import gpu_name
from bertslim.model.checkpoint_files import find_weights
from bertslim.model.model_source import ModelSource
from bertslim.model.unchanged import unchanged
from bertslim.output.directory import output_directory
from bertslim.output.inputs import Input
from bertslim.output.writing import check_space, writing
from bertslim.progress import Progress
from bertslim.ranks import Ranks
from bertslim.recipe.schema import Recipe
from bertslim.records import Budget, Measurement, ModelRecord, Plan, Record, Repair, Training
from bertslim.report.notebook import record_html
from bertslim.report.training_text import budget_notes
from bertslim.training.training_options import TrainingOptions
from bertslim.version import __version__

if TYPE_CHECKING:
    from bertslim.data.splits import Splits
    from bertslim.measure.evaluation import Evaluation


@dataclass(frozen=True)
class SlimResult:
    """The result of a command that writes a slim model.

    Attributes:
        directory: Where the model is.
        record: The account of it.
        uploaded_to: The address of the commit on the Hub; None: it was not uploaded.
    """

    directory: Path
    record: Record
    uploaded_to: str | None = None

    def _repr_html_(self) -> str:
        """Show the verdict and the figures in a notebook."""
        return record_html(self.record)


@dataclass(frozen=True)
class SlimJob:
    """The settings, fixed before anything is loaded.

    Attributes:
        kind: The command.
        source: The input model.
        target: Where the result will be.
        inputs: All that is read.
        threads: Threads of every computation.
        seed: Seeds every random step.
        training: How it is trained, if it is.
        ranks: The processes that share the work.
        command: The command line, for the record.
        force: Whether an existing output may be replaced.
        budget: The limits that it was searched for by, for the record.
        repository: On the Hub, to upload the result into; None: it stays here.
        devices: Where it works and times.
    """

    kind: Literal["cut", "retrain"]
    source: ModelSource
    target: Path
    inputs: tuple[Input, ...]
    threads: int
    seed: int
    training: TrainingOptions
    ranks: Ranks
    command: tuple[str, ...]
    force: bool
    budget: Budget | None = None
    repository: str | None = None
    devices: Devices = field(default_factory=Devices)


@dataclass(frozen=True)
class SavedSlim:
    """The identities of the base and of the saved slim model, their sizes, and notes."""

    base: ModelRecord
    slim: ModelRecord
    measurements: tuple[Measurement, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Making:
    """How a slim model was made, for the record.

    Attributes:
        recipe: The resolved recipe, for a cut.
        plan: The change of each layer, for a cut.
        repairs: What the repair solved or refined.
        training: How it was trained, if it was.
        notes: Notes for the reader.
    """

    recipe: Recipe | None = None
    plan: Plan | None = None
    repairs: tuple[Repair, ...] = ()
    training: Training | None = None
    notes: tuple[str, ...] = ()


class SlimWork(ABC):
    """The half of a command that computes; its modules import torch."""

    @abstractmethod
    def make(self) -> Making:
        """Make the slim model in memory. All processes take part."""

    @abstractmethod
    def save(self, directory: Path) -> SavedSlim:
        """Write the slim model as a checkpoint into an empty directory."""

    @abstractmethod
    def measure(self, directory: Path) -> Evaluation:
        """Measure what was saved."""


class SlimRun(ABC):
    """A command that writes a slim model: the half that prepares and refuses.

    Attributes:
        job: The settings.
        progress: Shows the steps.
    """

    job: SlimJob
    progress: Progress

    @property
    def checkpoints(self) -> tuple[Path, ...]:
        """The checkpoints that it reads."""
        return (self.job.source.directory,)

    @abstractmethod
    def load_data(self) -> Splits | None:
        """Load the data; None: the command needs none.

        Raises:
            DataError: They are missing, broken or too few, or do not fit the model.
        """

    @abstractmethod
    def start_work(self, splits: Splits | None) -> SlimWork:
        """Import the module that computes, which takes seconds, after all checks."""


def write_slim(run: SlimRun) -> SlimResult:
    """Load data, make a slim model, save, measure and record it, and publish it all at once.

    Where several processes were launched together, all make the model, the first one does the
    rest, and all return the same.

    Raises:
        InputError: The data, the output or the repository is not usable, or a checkpoint changed
            meanwhile.
        BertslimError: The result was written, and could not be uploaded.
    """
    job = run.job
    if job.ranks.rank > 0:
        return _take_part(run)
    check_upload(job.repository)
    with (
        output_directory(
            job.target,
            inputs=job.inputs,
            force=job.force,
            when_done=job.training.interruption.clear,
        ) as directory,
        unchanged(*run.checkpoints),
    ):
        record = fill_directory(run, directory)
    job.ranks.from_first(record.to_json())
    if job.repository is None:
        return SlimResult(job.target, record)
    address = upload(record, job.target, job.repository, run.progress)
    return SlimResult(job.target, record, address)


def fill_directory(run: SlimRun, directory: Path) -> Record:
    """Make a slim model, and write it with its report into an empty directory.

    Raises:
        InputError: The data are not usable, or the disk is full.
    """
    job = run.job
    check_space(directory, find_weights(job.source.directory).size)
    splits = run.load_data()
    work = run.start_work(splits)
    making = work.make()
    saved = work.save(directory)
    quality = work.measure(directory)
    record = _record(run, splits, making, saved, quality)
    with writing(job.target):
        publish(
            record,
            directory,
            base=job.source.directory,
            recipe=making.recipe.to_yaml() if making.recipe else None,
        )
    return record


def _take_part(run: SlimRun) -> SlimResult:
    """Run the part of all other processes than the first: make the model together."""
    run.start_work(run.load_data()).make()
    record = Record.model_validate_json(run.job.ranks.from_first(""))
    return SlimResult(run.job.target, record)


def _record(
    run: SlimRun, splits: Splits | None, making: Making, saved: SavedSlim, quality: Evaluation
) -> Record:
    job, recipe = run.job, making.recipe
    return Record(
        bertslim=__version__,
        created=now(),
        kind=job.kind,
        command=job.command,
        seed=job.seed,
        device=job.devices.work,
        base=saved.base,
        slim=saved.slim,
        recipe=recipe.model_dump(mode="json", exclude_none=True) if recipe else None,
        plan=making.plan,
        budget=job.budget,
        data=splits.record if splits else None,
        environment=describe_environment(job.threads, gpu=gpu_name(job.devices.work)),
        steps=run.progress.steps,
        repairs=making.repairs,
        training=making.training,
        measurements=(*saved.measurements, *quality.measurements),
        notes=(
            *quality.notes,
            *making.notes,
            *budget_notes(making.training),
            *saved.notes,
        ),
        disagreements=quality.disagreements,
    )
