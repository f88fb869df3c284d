"""Write a checkpoint as a program of torch.export."""

from __future__ import annotations

from bertslim.export.export_job import ExportedFile, ExportJob
from bertslim.export.torch_program import TorchProgram, convert, save
from bertslim.output.writing import writing


def export_torch(job: ExportJob) -> ExportedFile:
    """Convert the model and write the file."""
    with job.progress.step("convert"):
        program = convert(job.checkpoint)
    (path,) = job.new
    with job.progress.step("save"), writing(job.target):
        save(program, path)
    made = TorchProgram(path)
    return ExportedFile(made, made.inputs, made.outputs)
