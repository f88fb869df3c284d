"""Write a checkpoint as an ONNX file."""

from __future__ import annotations

from bertslim.export.export_job import ExportedFile, ExportJob, missing_tokenizer
from bertslim.export.int8 import Int8Texts, OnnxGraph, quantise
from bertslim.export.int8_range import count_products
from bertslim.export.onnx import convert, save
from bertslim.export.onnx_model import OnnxModel
from bertslim.export.quantize import to_half
from bertslim.output.writing import writing


def export_onnx(job: ExportJob) -> ExportedFile:
    """Convert the model, quantise it where that is asked for, and write the file."""
    (path,) = job.new
    static = job.precision == "int8-static"
    if static or job.precision == "int8":
        texts = None
        if job.splits is not None and job.tokenizer is not None:
            texts = Int8Texts.of(job.splits, job.tokenizer)
        elif static:
            raise missing_tokenizer()
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
        int8_products=count_products(made.model) if job.precision.startswith("int8") else None,
        notes=made.notes,
    )
