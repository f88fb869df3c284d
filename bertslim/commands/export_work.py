"""The work of `bertslim export`: load a checkpoint, write it, compare the file with PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from bertslim.data.splits import Splits
from bertslim.devices import Device
from bertslim.export.export_job import ExportedFile, ExportJob
from bertslim.export.exporters import export_as
from bertslim.export.first_token import NOTE, with_first_token_alone
from bertslim.export.parity import check_parity
from bertslim.measure.environment import usable_threads
from bertslim.measure.evaluation import Evaluation, evaluate
from bertslim.model.checkpoint import load_checkpoint
from bertslim.model.tokenizer import load_tokenizer
from bertslim.options.export import ExportOptions
from bertslim.progress import Progress


@dataclass(frozen=True)
class WrittenExport:
    """A written file, and its difference from PyTorch.

    Attributes:
        exported: The model in its format.
        difference: The largest relative difference to PyTorch.
        quality: Its figures on the report split against PyTorch, for int8.
        notes: What `config.json` of the checkpoint says otherwise than its weights, and what the
            file puts out otherwise than the checkpoint.
    """

    exported: ExportedFile
    difference: float
    quality: Evaluation
    notes: tuple[str, ...] = ()


def write_export(
    options: ExportOptions,
    splits: Splits | None,
    files: Sequence[Path],
    device: Device,
    progress: Progress,
) -> WrittenExport:
    """Write a checkpoint into files, and compare them with PyTorch.

    Args:
        options: What to write.
        splits: The data to calibrate int8 and measure it on; None: nothing, or random tokens.
        files: Where to write; empty files.
        device: Where the checkpoint answers the texts that an int8 file is measured on.
        progress: Shows the steps.

    Raises:
        BertslimError: The model cannot be exported, or its outputs differ from PyTorch's.
    """
    with progress.step("load"):
        torch.set_num_threads(usable_threads(options.threads))
        checkpoint = load_checkpoint(options.directory)
        if options.first_token:
            checkpoint = with_first_token_alone(checkpoint)
    tokenizer = load_tokenizer(options.directory) if splits else None
    job = ExportJob(
        checkpoint, options.precision, splits, tokenizer, options.target, files, progress
    )
    exported = export_as(options.format, job)
    with progress.step("compare to PyTorch"):
        difference = check_parity(
            checkpoint, exported.model, options.precision, bound=exported.bound
        )
    quality = _measure_quality(job, exported, device, seed=options.seed)
    notes = (*checkpoint.notes, *((NOTE,) if options.first_token else ()))
    return WrittenExport(exported, difference.relative, quality, notes)


def _measure_quality(
    job: ExportJob, exported: ExportedFile, device: Device, *, seed: int
) -> Evaluation:
    """Compare the file's answers to the report split with those of PyTorch in float32."""
    if job.splits is None or job.tokenizer is None:
        return Evaluation((), ())
    with job.progress.step("measure quality"):
        job.checkpoint.to(device)
        return evaluate(
            job.checkpoint,
            exported.model,
            job.splits,
            job.tokenizer,
            seed=seed,
            progress=job.progress,
        )
