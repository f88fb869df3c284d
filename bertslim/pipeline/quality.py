"""Measure how good the slim model is on held-out texts: fidelity, and accuracy where labelled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bertslim.data.batches import Batch, batches
from bertslim.data.splits import Splits
from bertslim.data.tasks import Ids, task_for_head
from bertslim.measure.accuracy import measure_accuracy
from bertslim.measure.fidelity import measure_fidelity
from bertslim.measure.predictions import FloatArray, compare_predictions, predict
from bertslim.model.checkpoint import Checkpoint
from bertslim.progress import Progress
from bertslim.records import Measurement, Scalar

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

BATCH_SIZE = 32
MAX_LENGTH = 256


@dataclass(frozen=True)
class Quality:
    """What was measured, and what the reader should know about it."""

    measurements: tuple[Measurement, ...]
    notes: tuple[str, ...]


def measure_quality(
    base: Checkpoint,
    slim: Checkpoint,
    splits: Splits,
    tokenizer: PreTrainedTokenizerBase,
    *,
    seed: int,
    progress: Progress,
) -> Quality:
    """Compare the two models on the report split, in one pass over it."""
    rows, context = _report_rows(base, splits, tokenizer)
    shown = progress.track(rows, "comparing to the base", total=len(rows), unit="batch")
    comparison = compare_predictions(base.model, slim.model, shown, base.facts)
    fidelity = measure_fidelity(comparison, seed=seed, context=context)
    classifies = comparison.kl is not None and comparison.slim_outputs is not None
    accuracy = (
        _accuracy(base, splits, comparison.base_outputs, comparison.slim_outputs, seed, context)
        if classifies
        else ()
    )
    note = () if accuracy else ("accuracy was not measured: no labels that this model predicts",)
    return Quality((*accuracy, *fidelity), (*splits.notes, *note))


def measure_accuracy_alone(
    slim: Checkpoint,
    splits: Splits,
    tokenizer: PreTrainedTokenizerBase,
    *,
    seed: int,
    progress: Progress,
) -> Quality:
    """Score a classifier that has no base to be compared with, on the report split."""
    rows, context = _report_rows(slim, splits, tokenizer)
    outputs = predict(slim.model, progress.track(rows, "scoring", total=len(rows), unit="batch"))
    return Quality(_accuracy(slim, splits, None, outputs, seed, context), splits.notes)


def _report_rows(
    checkpoint: Checkpoint, splits: Splits, tokenizer: PreTrainedTokenizerBase
) -> tuple[list[Batch], dict[str, Scalar]]:
    length = min(MAX_LENGTH, checkpoint.facts.max_length)
    rows = batches(splits.report, tokenizer, batch_size=BATCH_SIZE, max_length=length)
    return rows, {
        "dataset": splits.record.report_source or splits.record.source,
        "split": "report",
        "n": len(splits.report),
        "max_length": length,
    }


def _accuracy(
    checkpoint: Checkpoint,
    splits: Splits,
    base: FloatArray | None,
    slim: FloatArray | None,
    seed: int,
    context: dict[str, Scalar],
) -> tuple[Measurement, ...]:
    task = task_for_head(checkpoint.facts.head)
    if task is None or slim is None or "label" not in splits.report.column_names:
        return ()
    labels: Ids = np.asarray(splits.report["label"][:], dtype=np.int64)
    before = None if base is None else task.predict(base)
    return measure_accuracy(task, labels, before, task.predict(slim), seed=seed, context=context)
