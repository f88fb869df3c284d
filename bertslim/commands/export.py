"""`bertslim export`: load data -> write and check against PyTorch -> put in place -> record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bertslim.commands.publish import add_export, find_result, is_of_other_weights
from bertslim.data.load import NEUTRAL_DATA, load_splits
from bertslim.errors import InputError
from bertslim.export.formats import NAMES, Format, second_names
from bertslim.export.side_files import SideFiles, path_within
from bertslim.measure.environment import cpu_has_vnni
from bertslim.measure.gpu import resolve_devices
from bertslim.model.description import describe_checkpoint
from bertslim.model.head_facts import describe_head
from bertslim.model.tokenizer import check_tokenizer, has_tokenizer
from bertslim.model.unchanged import unchanged
from bertslim.options.export import ExportOptions
from bertslim.output.file import FileRules, Listed, output_files, same_file
from bertslim.output.inputs import inputs_of
from bertslim.output.writing import room_beside
from bertslim.progress import Progress
from bertslim.records import ExportRecord, Int8Products, Measurement

if TYPE_CHECKING:
    from bertslim.data.splits import Splits

_NOT_LISTED = "the record here is of other weights, so it does not list the file"


@dataclass(frozen=True)
class ExportResult:
    """The files of an export.

    Attributes:
        path: The file, or the first of several.
        inputs: Their names.
        outputs: Their names.
        record: The account of it.
        opset: The version of the operators that an ONNX file uses.
        companions: The files beside it: its other names, and what was copied there.
    """

    path: Path
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    record: ExportRecord
    opset: int | None
    companions: tuple[Path, ...] = ()


def export_checkpoint(options: ExportOptions, progress: Progress) -> ExportResult:
    """Write a checkpoint for another runtime, with the same outputs as PyTorch.

    The record and the report of the checkpoint list a file within it. A file in another folder gets
    the configuration and the tokenizer beside it.

    Raises:
        InputError: The checkpoint, the data or the output is not usable, or a package is missing.
        BertslimError: The model cannot be exported, or its outputs differ from PyTorch's.
    """
    find_result(options.directory)
    _check(options)
    device = resolve_devices(options.device).work
    check_tokenizer(options.directory)
    files, others = options.format.files(options.target), second_names(options.target)
    rules = _rules(options)
    companions = SideFiles.of(options.directory, options.target)
    companions.check(rules)
    with (
        output_files((*files, *others), rules) as new,
        room_beside(options.target),
        unchanged(options.directory),
    ):
        splits = _load_splits(options, progress)
        from bertslim.commands.export_work import write_export

        written = write_export(options, splits, new[: len(files)], device, progress)
        for other in new[len(files) :]:
            same_file(new[0], other)
        companions.copy(rules)
    made, quality = written.exported, written.quality
    within = path_within(options.directory, options.target)
    unlisted = within is not None and is_of_other_weights(options.directory)
    record = ExportRecord(
        file=within.as_posix() if within else options.target.name,
        format=options.format,
        precision=options.precision,
        size=sum(file.stat().st_size for file in files),
        difference=written.difference,
        in_float32=made.in_float32,
        int8_products=_as_measured(made.int8_products, quality.measurements),
        measurements=quality.measurements,
        notes=(
            *written.notes,
            *made.notes,
            *quality.notes,
            *companions.copied.notes,
            *((_NOT_LISTED,) if unlisted else ()),
        ),
    )
    if within and not unlisted:
        add_export(record, options.directory)
    beside = (*(Path(other.name) for other in others), *companions.names)
    return ExportResult(options.target, made.inputs, made.outputs, record, made.opset, beside)


def _as_measured(
    products: Int8Products | None, measurements: Sequence[Measurement]
) -> Int8Products | None:
    """Say what kind of CPU the figures of an int8 file are from."""
    if products is None or not measurements:
        return products
    return products.model_copy(update={"measured_with_vnni": cpu_has_vnni()})


def _rules(options: ExportOptions) -> FileRules:
    """Let files be added to the checkpoint, and earlier exports be replaced, but nothing else."""
    within = path_within(options.directory, options.target) is not None
    directory = options.directory if within else options.target.absolute().parent
    return FileRules(
        Listed(directory),
        inputs_of(options),
        options.force,
        beside=options.directory,
        make_folders=True,
    )


def _check(options: ExportOptions) -> None:
    if not options.precision.startswith("int8") and options.data is not None:
        raise InputError("only int8 uses data", where="--data", remedy="add --int8")
    if (options.format, options.precision) not in NAMES:
        raise InputError(
            f"{options.format} is not written in {options.precision}",
            where=f"--{options.precision}",
            remedy="leave it out",
        )
    if options.first_token and options.format is not Format.ONNX:
        raise InputError("only ONNX has this option", where="--first-token", remedy="leave it out")
    options.format.check_packages(options.precision)


def _load_splits(options: ExportOptions, progress: Progress) -> Splits | None:
    """Load the data of the options, or neutral ones, if they are needed."""
    if not options.precision.startswith("int8"):
        return None
    if options.data is None and not has_tokenizer(options.directory):
        return None
    with progress.step("read the data"):
        checkpoint = describe_checkpoint(options.directory)
        head = describe_head(options.directory, checkpoint.config, checkpoint.facts)
        return load_splits(options.data or NEUTRAL_DATA, head, progress)
