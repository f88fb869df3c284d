"""`bertslim export`: load -> write -> check against PyTorch -> put in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bertslim.commands.publish import add_export
from bertslim.data.load import NEUTRAL_DATA, DataOptions, describe_head, load_splits
from bertslim.errors import InputError
from bertslim.export.export_job import ExportedFile, ExportJob
from bertslim.export.exporters import export_as
from bertslim.export.formats import NAMES, Format
from bertslim.export.side_files import SideFiles, path_within
from bertslim.model.tokenizer import has_tokenizer
from bertslim.output import output_files
from bertslim.progress import Progress
from bertslim.records import ExportRecord

if TYPE_CHECKING:
    from bertslim.data.splits import Splits
    from bertslim.export.parity import Precision
    from bertslim.measure.evaluation import Evaluation
    from bertslim.model.checkpoint import Checkpoint


@dataclass(frozen=True)
class ExportOptions:
    """What `bertslim export` was asked for.

    Attributes:
        directory: A checkpoint, with or without a record.
        output: The file to write; None: one named by format and precision in the directory.
        format: What to write.
        precision: Of its weights.
        data: What int8 is made by and judged on; None: the texts of `builtin:pydocs`.
        threads: Threads of every computation.
        seed: Settles the bootstrap of the figures.
        force: Whether an existing file may be replaced.
    """

    directory: Path
    output: Path | None = None
    format: Format = Format.ONNX
    precision: Precision = "fp32"
    data: DataOptions | None = None
    threads: int = 1
    seed: int = 0
    force: bool = False

    @property
    def target(self) -> Path:
        """The file to write, or the first of several."""
        return self.output or self.directory / NAMES[self.format, self.precision]

    @property
    def within(self) -> Path | None:
        """Its path in the checkpoint, such as `onnx/model.onnx`; None where it lies elsewhere."""
        return path_within(self.directory, self.target)


@dataclass(frozen=True)
class ExportResult:
    """What was written.

    Attributes:
        path: The file, or the first of several.
        inputs: Their names.
        outputs: Their names.
        record: The account of it.
        opset: The version of the operators that an ONNX file uses.
        companions: What stands beside the file for it to be used, where that is not a checkpoint.
    """

    path: Path
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    record: ExportRecord
    opset: int | None
    companions: tuple[Path, ...] = ()


def export_checkpoint(options: ExportOptions, progress: Progress) -> ExportResult:
    """Write a checkpoint for another runtime, where it answers as PyTorch does.

    The record and the report of the checkpoint tell of a file within it. Beside one elsewhere go
    the configuration and the tokenizer.

    Raises:
        InputError: The checkpoint, the data or the output is not usable, or a package is missing.
        BertslimError: The model cannot be exported, or the file would not answer as PyTorch does.
    """
    _check(options)
    files = options.format.files(options.target)
    companions = SideFiles.of(options.directory, options.target)
    companions.check(force=options.force)
    with output_files(*files, force=options.force) as new:
        with progress.step("load"):
            import torch

            from bertslim.export.parity import check_parity
            from bertslim.model.checkpoint import load_checkpoint

            torch.set_num_threads(options.threads)
            checkpoint = load_checkpoint(options.directory)
        job = _job(options, checkpoint, new, progress)
        made = export_as(options.format, job)
        with progress.step("compare to PyTorch"):
            difference = check_parity(checkpoint, made.model, options.precision, bound=made.bound)
        quality = _measure_quality(options, job, made)
        companions.copy(force=options.force)
    record = ExportRecord(
        file=options.within.as_posix() if options.within else options.target.name,
        format=options.format,
        precision=options.precision,
        size=sum(file.stat().st_size for file in files),
        difference=difference.relative,
        in_float32=made.in_float32,
        measurements=quality.measurements,
        notes=(*made.notes, *quality.notes),
    )
    if options.within:
        add_export(record, options.directory)
    return ExportResult(
        options.target, made.inputs, made.outputs, record, made.opset, companions.names
    )


def _check(options: ExportOptions) -> None:
    if not options.precision.startswith("int8") and options.data is not None:
        raise InputError("only int8 is made by data", where="--data", remedy="add --int8")
    if (options.format, options.precision) not in NAMES:
        raise InputError(
            f"{options.format} is not written in {options.precision}",
            where=f"--{options.precision}",
            remedy="leave it out",
        )
    options.format.check_packages(options.precision)


def _job(
    options: ExportOptions, checkpoint: Checkpoint, new: Sequence[Path], progress: Progress
) -> ExportJob:
    from bertslim.model.tokenizer import load_tokenizer

    splits = _load_splits(options, checkpoint, progress)
    return ExportJob(
        checkpoint,
        options.precision,
        splits,
        load_tokenizer(options.directory) if splits else None,
        options.target,
        new,
        progress,
    )


def _load_splits(
    options: ExportOptions, checkpoint: Checkpoint, progress: Progress
) -> Splits | None:
    """Load the data that were named, or neutral ones, where they are needed."""
    if not options.precision.startswith("int8"):
        return None
    if options.data is None and not has_tokenizer(options.directory):
        return None
    with progress.step("read the data"):
        head = describe_head(options.directory, checkpoint.config, checkpoint.facts)
        return load_splits(options.data or NEUTRAL_DATA, head, progress)


def _measure_quality(options: ExportOptions, job: ExportJob, made: ExportedFile) -> Evaluation:
    """Compare the file's answers to the report split with those of PyTorch in float32."""
    from bertslim.measure.evaluation import Evaluation, evaluate

    if job.splits is None or job.tokenizer is None:
        return Evaluation((), ())
    with job.progress.step("measure quality"):
        return evaluate(
            job.checkpoint,
            made.model,
            job.splits,
            job.tokenizer,
            seed=options.seed,
            progress=job.progress,
        )
