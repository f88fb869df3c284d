"""`bertslim export`: load -> convert -> check against PyTorch -> put in place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bertslim.errors import InputError
from bertslim.model.tokenizer import has_tokenizer
from bertslim.output_directory import writing
from bertslim.output_file import output_file
from bertslim.pipeline.publish import add_export
from bertslim.pipeline.texts import DataOptions, describe_head, load_splits
from bertslim.progress import Progress
from bertslim.records import ExportRecord

if TYPE_CHECKING:
    from bertslim.data.splits import Splits
    from bertslim.export.parity import Precision
    from bertslim.model.checkpoint import Checkpoint
    from bertslim.pipeline.int8 import HeldOut, Int8Graph
    from bertslim.pipeline.quality import Quality

FILES: dict[Precision, str] = {
    "fp32": "model.onnx",
    "fp16": "model_fp16.onnx",
    "int8": "model_int8.onnx",
}
NEUTRAL_DATA = DataOptions(data="builtin:pydocs")


@dataclass(frozen=True)
class ExportOptions:
    """What `bertslim export` was asked for.

    Attributes:
        directory: A checkpoint, with or without a record.
        output: The file to write; None: one named by its precision in the directory.
        precision: Of its weights.
        data: What int8 is made by and judged on; None: the texts of `builtin:pydocs`.
        threads: Threads of every computation.
        seed: Settles the bootstrap of the figures.
        force: Whether an existing file may be replaced.
    """

    directory: Path
    output: Path | None = None
    precision: Precision = "fp32"
    data: DataOptions | None = None
    threads: int = 1
    seed: int = 0
    force: bool = False

    @property
    def target(self) -> Path:
        """The file to write."""
        return self.output or self.directory / FILES[self.precision]


@dataclass(frozen=True)
class ExportResult:
    """What was written.

    Attributes:
        path: The ONNX file.
        opset: The version of the operators that it uses.
        inputs: Their names.
        outputs: Their names.
        record: The account of it.
    """

    path: Path
    opset: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    record: ExportRecord


def export_onnx(options: ExportOptions, progress: Progress) -> ExportResult:
    """Write a checkpoint as an ONNX file that answers as PyTorch does.

    Beside a file in the checkpoint's own directory, the record and the report tell of it.

    Raises:
        InputError: The checkpoint, the data or the output is not usable.
        BertslimError: The model cannot be exported, or the file would not answer as PyTorch does.
    """
    target = options.target
    if options.precision != "int8" and options.data is not None:
        raise InputError("only int8 is made by data", where="--data", remedy="add --int8")
    with output_file(target, force=options.force) as new:
        with progress.step("load"):
            import torch

            from bertslim.export.parity import check_parity
            from bertslim.model.checkpoint import load_checkpoint

            torch.set_num_threads(options.threads)
            checkpoint = load_checkpoint(options.directory)
        splits = _load_splits(options, checkpoint, progress)
        made = _write(options, checkpoint, splits, new, progress)
        with progress.step("compare to PyTorch"):
            difference = check_parity(checkpoint, new, options.precision)
        quality = _measure_quality(options, checkpoint, splits, new, progress)
    record = ExportRecord(
        file=target.name,
        format="ONNX",
        precision=options.precision,
        size=target.stat().st_size,
        difference=difference.relative,
        in_float32=made.in_float32,
        measurements=quality.measurements,
        notes=(*made.notes, *quality.notes),
    )
    if target.absolute().parent == options.directory.absolute():
        add_export(record, options.directory)
    return ExportResult(
        path=target,
        opset=made.model.opset_imports[""],
        inputs=tuple(str(value.name) for value in made.model.graph.inputs),
        outputs=tuple(str(value.name) for value in made.model.graph.outputs),
        record=record,
    )


def _load_splits(
    options: ExportOptions, checkpoint: Checkpoint, progress: Progress
) -> Splits | None:
    """Load the data that were named, or neutral ones, where they are needed."""
    if options.precision != "int8":
        return None
    if options.data is None and not has_tokenizer(options.directory):
        return None
    with progress.step("read the data"):
        head = describe_head(options.directory, checkpoint.config, checkpoint.facts)
        return load_splits(options.data or NEUTRAL_DATA, head, progress)


def _write(
    options: ExportOptions,
    checkpoint: Checkpoint,
    splits: Splits | None,
    new: Path,
    progress: Progress,
) -> Int8Graph:
    from bertslim.export.onnx import convert, save
    from bertslim.export.quantize import to_half
    from bertslim.pipeline.int8 import Int8Graph, quantise

    if options.precision == "int8":
        texts = _held_out(options, splits) if splits else None
        return quantise(checkpoint, texts, new, progress)
    with progress.step("convert"):
        model = convert(checkpoint)
        if options.precision == "fp16":
            model = to_half(model)
    with progress.step("save"), writing(options.target):
        save(model, new, for_cpu=options.precision == "fp32")
    return Int8Graph(model)


def _held_out(options: ExportOptions, splits: Splits) -> HeldOut:
    from bertslim.model.tokenizer import load_tokenizer
    from bertslim.pipeline.int8 import SELECT_ROWS, SURVEY_ROWS, HeldOut

    return HeldOut(
        survey=splits.fit.select(range(min(SURVEY_ROWS, len(splits.fit)))),
        select=splits.select.select(range(min(SELECT_ROWS, len(splits.select)))),
        tokenizer=load_tokenizer(options.directory),
    )


def _measure_quality(
    options: ExportOptions,
    checkpoint: Checkpoint,
    splits: Splits | None,
    new: Path,
    progress: Progress,
) -> Quality:
    """Compare the file's answers to the report split with those of PyTorch in float32."""
    from bertslim.export.onnx_model import OnnxModel
    from bertslim.model.tokenizer import load_tokenizer
    from bertslim.pipeline.quality import Quality, measure_quality

    if splits is None:
        return Quality((), ())
    with progress.step("measure quality"):
        tokenizer = load_tokenizer(options.directory)
        return measure_quality(
            checkpoint, OnnxModel(new), splits, tokenizer, seed=options.seed, progress=progress
        )
