"""`bertslim export`: load -> convert -> check against PyTorch -> put in place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bertslim.export.output_file import output_file
from bertslim.output_directory import writing
from bertslim.progress import Progress

MODEL_FILE = "model.onnx"


@dataclass(frozen=True)
class ExportResult:
    """What was written.

    Attributes:
        path: The ONNX file.
        size: Bytes.
        opset: The version of the operators that it uses.
        inputs: Their names.
        outputs: Their names.
        difference: The largest difference from PyTorch, as a share of the output's largest value.
    """

    path: Path
    size: int
    opset: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    difference: float


def export_onnx(
    directory: Path, output: Path | None, progress: Progress, *, force: bool = False
) -> ExportResult:
    """Write a checkpoint as an ONNX file that answers as PyTorch does.

    Args:
        directory: A checkpoint, with or without a record.
        output: The file to write; None: `model.onnx` in the directory.
        progress: Where the steps are shown.
        force: Whether an existing file may be replaced.

    Raises:
        InputError: The checkpoint or the output is not usable.
        BertslimError: The model cannot be exported, or the file would not answer as PyTorch does.
    """
    target = output or directory / MODEL_FILE
    with output_file(target, force=force) as new:
        with progress.step("load"):
            from bertslim.export.onnx import convert, save
            from bertslim.export.parity import check_parity
            from bertslim.model.checkpoint import load_checkpoint

            checkpoint = load_checkpoint(directory)
        with progress.step("convert"):
            model = convert(checkpoint)
        with progress.step("save"), writing(target):
            save(model, new)
        with progress.step("compare to PyTorch"):
            difference = check_parity(checkpoint, new)
    return ExportResult(
        path=target,
        size=target.stat().st_size,
        opset=model.opset_imports[""],
        inputs=tuple(str(value.name) for value in model.graph.inputs),
        outputs=tuple(str(value.name) for value in model.graph.outputs),
        difference=difference.relative,
    )
