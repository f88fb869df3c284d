"""Measure how good the slim model is on held-out rows: fidelity, and scores where labelled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bertslim.data.batches import batches
from bertslim.data.load import BATCH_SIZE, text_length
from bertslim.data.paired_batches import (
    PairedBatch,
    SharedTokens,
    paired_batches,
    shared_tokens,
)
from bertslim.data.splits import Splits
from bertslim.data.task import Answers, Batch, Rows
from bertslim.measure.accuracy import measure_accuracy, measure_classes
from bertslim.measure.differing_answers import find_disagreements
from bertslim.measure.fidelity import measure_fidelity
from bertslim.measure.predictions import compare_predictions, predict
from bertslim.model.checkpoint import Checkpoint
from bertslim.progress import Progress
from bertslim.records import Disagreements, Measurement, Scalar
from bertslim.wording import counted

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


_NOT_SCORED = "accuracy was not measured: no labels that this model predicts"
_NOT_TOLD = "no texts are shown: answers of this kind cannot be put in words"


@dataclass(frozen=True)
class Evaluation:
    """What was measured, and what the reader should know about it.

    Attributes:
        disagreements: Texts that the models answer differently, where they were asked for.
    """

    measurements: tuple[Measurement, ...]
    notes: tuple[str, ...]
    disagreements: Disagreements | None = None


def evaluate(
    base: Checkpoint,
    slim: Callable[..., Any],
    splits: Splits,
    tokenizer: PreTrainedTokenizerBase,
    *,
    slim_tokenizer: PreTrainedTokenizerBase | None = None,
    seed: int,
    progress: Progress,
    show_texts: bool = False,
) -> Evaluation:
    """Compare the two models on the report split, in one pass over it.

    Args:
        base: The teacher.
        slim: The model to judge, or what is called as it is.
        splits: The data.
        tokenizer: The base's tokenizer.
        slim_tokenizer: That of the slim model; None: the same.
        seed: Settles the bootstrap.
        progress: Shows the batches.
        show_texts: Whether to list the texts that the models answer differently.
    """
    rows = splits.report
    read = _read_by_both(base, splits, tokenizer, slim_tokenizer)
    comparison = compare_predictions(
        base,
        slim,
        progress.track(
            read.batches, "comparing to the base", total=len(read.batches), unit="batch"
        ),
        task=rows.task if rows.scorable or show_texts else None,
        shared=read.shared,
    )
    notes = (*splits.notes, *_reading_notes(read, len(rows), comparison.rows))
    context = _context(base, splits, tokenizer, slim)
    fidelity = measure_fidelity(
        comparison,
        seed=seed,
        context=context | {"n": comparison.rows},
        pooling=str(base.embedder),
    )
    answered = rows.select(read.rows)
    disagreements = find_disagreements(answered, comparison) if show_texts else None
    if show_texts and disagreements is None:
        notes = (*notes, _NOT_TOLD)
    if not rows.scorable:
        notes = (*notes, _NOT_SCORED)
    if not rows.scorable or comparison.base_answers is None or comparison.slim_answers is None:
        return Evaluation(fidelity, notes, disagreements)
    answers = comparison.base_answers, comparison.slim_answers
    figures = _score(answered, answers, seed, context | {"n": len(answered)})
    return Evaluation((*figures, *fidelity), notes, disagreements)


def _score(
    rows: Rows, answers: Sequence[Answers], seed: int, context: dict[str, Scalar]
) -> tuple[Measurement, ...]:
    """Score the answers of base and slim model, or of the slim model alone."""
    *base_scores, scores = (
        [score for score in rows.task.score(rows.table, model_answers) if score.defined]
        for model_answers in answers
    )
    *base_counts, counts = (
        rows.task.count_classes(rows.table, model_answers) for model_answers in answers
    )
    accuracy = measure_accuracy(
        base_scores[0] if base_scores else None, scores, seed=seed, context=context
    )
    if counts is None:
        return accuracy
    classes = measure_classes(
        base_counts[0] if base_counts else None, counts, seed=seed, context=context
    )
    return (*accuracy, *classes)


def evaluate_alone(
    slim: Checkpoint,
    splits: Splits,
    tokenizer: PreTrainedTokenizerBase,
    *,
    seed: int,
    progress: Progress,
) -> Evaluation:
    """Score a model that has no base to be compared with, on the report split."""
    rows = splits.report
    answers = answer(slim, slim.model, rows, tokenizer, progress)
    context = _context(slim, splits, tokenizer, slim.model) | {"n": len(rows)}
    return Evaluation(_score(rows, [answers], seed, context), splits.notes)


def answer(
    checkpoint: Checkpoint,
    model: Callable[..., Any],
    rows: Rows,
    tokenizer: PreTrainedTokenizerBase,
    progress: Progress,
) -> Answers:
    """Return what a model answers to each row.

    Args:
        checkpoint: Its facts.
        model: The model, or what is called as it is.
        rows: What it is run on.
        tokenizer: Its tokenizer.
        progress: Shows the batches.
    """
    made = _batches(checkpoint, rows, tokenizer)
    shown = progress.track(made, "scoring", total=len(made), unit="batch")
    return predict(model, shown, checkpoint.facts, rows.task)


@dataclass(frozen=True)
class _Reading:
    """The rows that both models are run on, as each of them reads them.

    Attributes:
        rows: Their numbers in the report split.
        other: How many rows of the report split the slim model reads as other tokens.
        shared: The tokens that both know, where their tokenizers differ.
    """

    batches: list[PairedBatch]
    rows: Sequence[int]
    other: int = 0
    shared: SharedTokens | None = None


def _read_by_both(
    base: Checkpoint,
    splits: Splits,
    tokenizer: PreTrainedTokenizerBase,
    slim_tokenizer: PreTrainedTokenizerBase | None,
) -> _Reading:
    """Tokenise the report split for both models.

    Where the tokens of a text are the truth, only rows that are the same tokens to both are left.
    """
    rows = splits.report
    if slim_tokenizer is None:
        made = [PairedBatch(batch, batch) for batch in _batches(base, rows, tokenizer)]
        return _Reading(made, range(len(rows)))
    pairs = paired_batches(
        rows,
        tokenizer,
        slim_tokenizer,
        batch_size=BATCH_SIZE,
        max_length=text_length(base.facts, tokenizer, rows.task),
        label=rows.scorable,
    )
    alike = {row for pair in pairs if pair.alike for row in pair.base.rows}
    other = len(rows) - len(alike)
    shared = shared_tokens(tokenizer, slim_tokenizer)
    if not rows.task.makes_labels:
        return _Reading(pairs, range(len(rows)), other, shared)
    return _Reading([pair for pair in pairs if pair.alike], sorted(alike), other, shared)


def _reading_notes(read: _Reading, rows: int, compared: int) -> tuple[str, ...]:
    if not read.other:
        return ()
    note = f"the slim model reads {read.other:,} of {counted(rows, 'row', 'rows')} as other tokens"
    if compared == rows:
        return (note,)
    figures = "fidelity" if len(read.rows) == rows else "fidelity and accuracy"
    measured = f"measured on the other {compared:,}" if compared else "not measured"
    return (f"{note}; {figures}: {measured}",)


def _batches(checkpoint: Checkpoint, rows: Rows, tokenizer: PreTrainedTokenizerBase) -> list[Batch]:
    length = text_length(checkpoint.facts, tokenizer, rows.task)
    return batches(rows, tokenizer, batch_size=BATCH_SIZE, max_length=length, label=rows.scorable)


def _context(
    checkpoint: Checkpoint,
    splits: Splits,
    tokenizer: PreTrainedTokenizerBase,
    other: Callable[..., Any],
) -> dict[str, Scalar]:
    """Say what is held fixed; of two models that run on different devices, both are named."""
    places = (str(getattr(model, "device", "cpu")) for model in (checkpoint.model, other))
    return {
        "dataset": splits.record.report_source or splits.record.source,
        "split": "report",
        "max_length": text_length(checkpoint.facts, tokenizer, splits.report.task),
        "device": " / ".join(dict.fromkeys(place.partition(":")[0] for place in places)),
    }
