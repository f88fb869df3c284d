"""The exporter of each format, imported when it is run."""

from __future__ import annotations

from bertslim.export.export_job import ExportedFile, ExportJob
from bertslim.export.formats import Format


def export_as(form: Format, job: ExportJob) -> ExportedFile:
    """Write a checkpoint in one of the formats.

    Args:
        form: What to write.
        job: What is exported, and where to.

    Raises:
        BertslimError: The checkpoint cannot be converted, or its files cannot be written.
        InputError: int8 ranges need texts, and there is no tokenizer to read them.
    """
    if form is Format.ONNX:
        from bertslim.export.export_onnx import export_onnx

        return export_onnx(job)
    if form is Format.OPENVINO:
        from bertslim.export.export_openvino import export_openvino

        return export_openvino(job)
    from bertslim.export.export_torch import export_torch

    return export_torch(job)
