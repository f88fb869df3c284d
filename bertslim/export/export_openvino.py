"""Write a checkpoint as an OpenVINO IR."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bertslim.data.batches import batches
from bertslim.data.load import text_length
from bertslim.data.outputs import model_inputs
from bertslim.data.sampling import draw_rows
from bertslim.export.export_job import ExportedFile, ExportJob, missing_tokenizer
from bertslim.export.openvino import convert, count_products, quantize_static, save
from bertslim.export.openvino_model import OpenVinoModel
from bertslim.export.parity import check_parity
from bertslim.output.writing import writing

if TYPE_CHECKING:
    import openvino
    from torch import Tensor

CALIBRATION_ROWS = 300  # the default of NNCF
_IN_BFLOAT16 = "loaded plainly, OpenVINO multiplies in bfloat16 on this CPU"


def export_openvino(job: ExportJob) -> ExportedFile:
    """Convert the model, quantise it where that is asked for, and write its two files."""
    calibration = _calibration(job) if job.precision == "int8" else None
    with job.progress.step("convert"):
        model = convert(job.checkpoint)
    with job.progress.step("save"), writing(job.target):
        save(model, *job.new)
    if calibration is not None:
        return _quantise_ir(job, model, calibration)
    made = OpenVinoModel(*job.new)
    return ExportedFile(made, made.inputs, made.outputs, notes=_notes_on_bfloat16(job))


def _notes_on_bfloat16(job: ExportJob) -> tuple[str, ...]:
    """Say how far outputs are from PyTorch if the file is loaded plainly, and not in float32.

    No setting in the file is heeded (OpenVINO 2026.4): only who loads it can ask for float32.
    """
    plain = OpenVinoModel(*job.new, precision=None)
    if not plain.in_bfloat16:
        return ()
    with job.progress.step("compare in bfloat16"):
        apart = check_parity(job.checkpoint, plain, bound=math.inf).relative
    return (
        f"{_IN_BFLOAT16}, and differs from PyTorch by up to {apart:.1e} of the largest value; "
        "INFERENCE_PRECISION_HINT f32 keeps float32",
    )


def _quantise_ir(
    job: ExportJob, model: openvino.Model, calibration: list[dict[str, Tensor]]
) -> ExportedFile:
    """Check the graph in float32, then quantise it; its figures are those of a plain load.

    Random words are not what the ranges of int8 were fixed for: there, int8 may be far away.
    """
    with job.progress.step("compare to PyTorch before int8"):
        check_parity(job.checkpoint, OpenVinoModel(*job.new))
    with job.progress.step("quantise"):
        quantised = quantize_static(model, calibration, job.checkpoint)
    with job.progress.step("save"), writing(job.target):
        save(quantised, *job.new)
    made = OpenVinoModel(*job.new, precision=None)
    notes = (f"{_IN_BFLOAT16} what is not in int8",) if made.in_bfloat16 else ()
    return ExportedFile(
        made,
        made.inputs,
        made.outputs,
        bound=math.inf,
        int8_products=count_products(quantised),
        notes=notes,
    )


def _calibration(job: ExportJob) -> list[dict[str, Tensor]]:
    """Texts one by one, for NNCF counts a batch of several as one, padding included.

    Raises:
        InputError: There are none.
    """
    facts = job.checkpoint.facts
    if job.splits is None or job.tokenizer is None:
        raise missing_tokenizer()
    rows = draw_rows(job.splits.fit, CALIBRATION_ROWS, seed=0)
    length = text_length(facts, job.tokenizer, rows.task)
    read = batches(rows, job.tokenizer, batch_size=1, max_length=length)
    return [model_inputs(batch, facts.head) for batch in read]
