"""Write a checkpoint in each of the formats."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bertslim.errors import InputError
from bertslim.export.formats import Format
from bertslim.progress import Progress

if TYPE_CHECKING:
    import openvino
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase

    from bertslim.data.splits import Splits
    from bertslim.export.parity import ExportedModel, Precision
    from bertslim.model.checkpoint import Checkpoint

CALIBRATION_ROWS = 300  # as many as NNCF takes where nothing is said


@dataclass(frozen=True)
class ExportJob:
    """What is exported, and where to.

    Attributes:
        checkpoint: The model.
        precision: Of the weights in the files.
        splits: Texts to make int8 by; None: there are none.
        tokenizer: Reads the texts; None: there are none.
        target: What the first file will be called.
        new: Where the files are written, the first one first.
        progress: Shows the steps.
    """

    checkpoint: Checkpoint
    precision: Precision
    splits: Splits | None
    tokenizer: PreTrainedTokenizerBase | None
    target: Path
    new: Sequence[Path]
    progress: Progress


@dataclass(frozen=True)
class ExportedFile:
    """What was written.

    Attributes:
        model: The files, read back.
        inputs: Their names.
        outputs: Their names.
        opset: The version of the operators, in ONNX.
        bound: How far it may be from PyTorch on random words; None: as far as rounding explains.
        in_float32: What an int8 model computes in float32, in words.
        notes: What the reader should know.
    """

    model: ExportedModel
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    opset: int | None = None
    bound: float | None = None
    in_float32: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def _export_onnx(job: ExportJob) -> ExportedFile:
    from bertslim.export.int8 import Int8Texts, OnnxGraph, quantise
    from bertslim.export.onnx import convert, save
    from bertslim.export.onnx_model import OnnxModel
    from bertslim.export.quantize import to_half
    from bertslim.output import writing

    (path,) = job.new
    static = job.precision == "int8-static"
    if static or job.precision == "int8":
        texts = None
        if job.splits is not None and job.tokenizer is not None:
            texts = Int8Texts.of(job.splits, job.tokenizer)
        elif static:
            raise _no_tokenizer()
        made = quantise(job.checkpoint, texts, path, job.progress, static=static)
    else:
        with job.progress.step("convert"):
            graph = convert(job.checkpoint)
            made = OnnxGraph(to_half(graph) if job.precision == "fp16" else graph)
        with job.progress.step("save"), writing(job.target):
            save(made.model, path, for_cpu=job.precision == "fp32")
    return ExportedFile(
        model=OnnxModel(path),
        opset=made.model.opset_imports[""],
        inputs=tuple(str(value.name) for value in made.model.graph.inputs),
        outputs=tuple(str(value.name) for value in made.model.graph.outputs),
        in_float32=made.in_float32,
        notes=made.notes,
    )


def _export_openvino(job: ExportJob) -> ExportedFile:
    from bertslim.export.openvino import convert, save
    from bertslim.export.openvino_model import OpenVinoModel
    from bertslim.output import writing

    calibration = _calibration(job) if job.precision == "int8" else None
    with job.progress.step("convert"):
        model = convert(job.checkpoint)
    with job.progress.step("save"), writing(job.target):
        save(model, *job.new)
    if calibration is not None:
        return _quantise_ir(job, model, calibration)
    made = OpenVinoModel(*job.new)
    return ExportedFile(made, made.inputs, made.outputs)


def _quantise_ir(
    job: ExportJob, model: openvino.Model, calibration: list[dict[str, Tensor]]
) -> ExportedFile:
    """Check the graph in float32, then quantise it.

    Random words are not what the ranges of int8 were fixed for: there, int8 may be far away.
    """
    from bertslim.export.openvino import quantize_static, save
    from bertslim.export.openvino_model import OpenVinoModel
    from bertslim.export.parity import check_parity
    from bertslim.output import writing

    with job.progress.step("compare to PyTorch before int8"):
        check_parity(job.checkpoint, OpenVinoModel(*job.new))
    with job.progress.step("quantise"):
        quantised = quantize_static(model, calibration, job.checkpoint)
    with job.progress.step("save"), writing(job.target):
        save(quantised, *job.new)
    made = OpenVinoModel(*job.new)
    return ExportedFile(made, made.inputs, made.outputs, bound=math.inf)


def _calibration(job: ExportJob) -> list[dict[str, Tensor]]:
    """Texts one by one, for NNCF counts a batch of several as one, padding included.

    Raises:
        InputError: There are none.
    """
    from bertslim.data.batches import batches
    from bertslim.data.load import text_length
    from bertslim.data.outputs import model_inputs
    from bertslim.data.sampling import draw_rows

    facts = job.checkpoint.facts
    if job.splits is None or job.tokenizer is None:
        raise _no_tokenizer()
    rows = draw_rows(job.splits.fit, CALIBRATION_ROWS, seed=0)
    read = batches(rows, job.tokenizer, batch_size=1, max_length=text_length(facts))
    return [model_inputs(one, facts.head) for one in read]


def _no_tokenizer() -> InputError:
    return InputError(
        "the ranges of int8 are those of texts, and there is no tokenizer",
        remedy="add one to the directory, or leave out --int8",
    )


def _export_torch(job: ExportJob) -> ExportedFile:
    from bertslim.export.torch_program import TorchProgram, convert, save
    from bertslim.output import writing

    with job.progress.step("convert"):
        program = convert(job.checkpoint)
    (path,) = job.new
    with job.progress.step("save"), writing(job.target):
        save(program, path)
    made = TorchProgram(path)
    return ExportedFile(made, made.inputs, made.outputs)


EXPORTERS: dict[Format, Callable[[ExportJob], ExportedFile]] = {
    Format.ONNX: _export_onnx,
    Format.OPENVINO: _export_openvino,
    Format.TORCH: _export_torch,
}
