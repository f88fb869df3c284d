"""Measure how good the slim model is on held-out rows: fidelity, and scores where labelled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bertslim.data.batches import Batch, batches
from bertslim.data.feature_extraction import FeatureExtraction
from bertslim.data.pooling import Pooling
from bertslim.data.splits import Splits
from bertslim.measure.accuracy import measure_accuracy
from bertslim.measure.fidelity import measure_fidelity
from bertslim.measure.predictions import compare_predictions, predict
from bertslim.model.checkpoint import Checkpoint
from bertslim.progress import Progress
from bertslim.records import Measurement, Scalar

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from bertslim.data.task import Rows

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
    rows, pooling = splits.report, _pooling(splits.report)
    made, context = _batches(base, splits, tokenizer)
    comparison = compare_predictions(
        base.model,
        slim.model,
        progress.track(made, "comparing to the base", total=len(made), unit="batch"),
        base.facts,
        task=rows.task if rows.scorable else None,
        pooling=pooling,
    )
    fidelity = measure_fidelity(comparison, seed=seed, context=context, pooling=str(pooling))
    if comparison.base_answers is None or comparison.slim_answers is None:
        note = "accuracy was not measured: no labels that this model predicts"
        return Quality(fidelity, (*splits.notes, note))
    scores = (
        rows.task.score(rows.table, answers)
        for answers in (comparison.base_answers, comparison.slim_answers)
    )
    accuracy = measure_accuracy(*scores, seed=seed, context=context)
    return Quality((*accuracy, *fidelity), splits.notes)


def measure_accuracy_alone(
    slim: Checkpoint,
    splits: Splits,
    tokenizer: PreTrainedTokenizerBase,
    *,
    seed: int,
    progress: Progress,
) -> Quality:
    """Score a model that has no base to be compared with, on the report split."""
    rows = splits.report
    made, context = _batches(slim, splits, tokenizer)
    shown = progress.track(made, "scoring", total=len(made), unit="batch")
    answers = predict(slim.model, shown, slim.facts, rows.task)
    scores = rows.task.score(rows.table, answers)
    return Quality(measure_accuracy(None, scores, seed=seed, context=context), splits.notes)


def _pooling(rows: Rows) -> Pooling:
    return rows.task.pooling if isinstance(rows.task, FeatureExtraction) else Pooling()


def _batches(
    checkpoint: Checkpoint, splits: Splits, tokenizer: PreTrainedTokenizerBase
) -> tuple[list[Batch], dict[str, Scalar]]:
    rows = splits.report
    length = min(MAX_LENGTH, checkpoint.facts.max_length)
    made = batches(rows, tokenizer, batch_size=BATCH_SIZE, max_length=length, label=rows.scorable)
    return made, {
        "dataset": splits.record.report_source or splits.record.source,
        "split": "report",
        "n": len(rows),
        "max_length": length,
    }
