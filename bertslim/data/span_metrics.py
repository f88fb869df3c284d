"""Scores of spans in sequences of tags such as B-PER, I-PER, O, as conlleval and seqeval count."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bertslim.arrays import IntArray
from bertslim.data.class_counts import ClassCounts
from bertslim.data.metrics import Score, f1_score_of_counts, ratio_score

_IOBES = {"L-": "E-", "U-": "S-"}

Tags = Sequence[Sequence[str]]


class TaggedSpan(NamedTuple):
    """Words of one sentence.

    Attributes:
        type: Such as "PER".
        first: The number of the first word, from 0.
        last: The number of the last.
    """

    type: str
    first: int
    last: int


def span_scores(true: Tags, predicted: Tags) -> tuple[Score, ...]:
    """Score F1, precision and recall of spans: right if type, start and end are.

    Args:
        true: The tags of each sentence.
        predicted: The same that a model gave.
    """
    from seqeval.metrics import f1_score

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sides = ([_as_iobes(tags) for tags in side] for side in (true, predicted))
        value = float(f1_score(*sides, zero_division=0))
    right, true_spans, predicted_spans = span_counts(true, predicted)
    return (
        f1_score_of_counts("span_f1", right, true_spans, predicted_spans, value=value),
        ratio_score("span_precision", right, predicted_spans),
        ratio_score("span_recall", right, true_spans),
    )


def span_counts(true: Tags, predicted: Tags) -> tuple[IntArray, IntArray, IntArray]:
    """Count, for each sentence, spans that are right, that there are, and that were predicted."""
    return _counts(_span_pairs(true, predicted))


def count_span_types(true: Tags, predicted: Tags, types: Sequence[str]) -> ClassCounts:
    """Count the spans of each type.

    Args:
        true: The tags of each sentence.
        predicted: The same that a model gave.
        types: Such as "PER".
    """
    pairs = _span_pairs(true, predicted)
    counts = [
        np.stack(
            _counts(
                [
                    (_of_type(true_spans, kind), _of_type(predicted_spans, kind))
                    for true_spans, predicted_spans in pairs
                ]
            )
        )
        for kind in types
    ]
    return ClassCounts(tuple(types), np.stack(counts, axis=1).T.astype(np.float64))


def _span_pairs(true: Tags, predicted: Tags) -> list[tuple[set[TaggedSpan], set[TaggedSpan]]]:
    return [
        (spans_of(true_tags), spans_of(predicted_tags))
        for true_tags, predicted_tags in zip(true, predicted, strict=True)
    ]


def _of_type(spans: set[TaggedSpan], kind: str) -> set[TaggedSpan]:
    return {span for span in spans if span.type == kind}


def spans_of(tags: Sequence[str]) -> set[TaggedSpan]:
    """Return the spans of a sentence, as conlleval and seqeval find them."""
    from seqeval.metrics.sequence_labeling import get_entities

    return {TaggedSpan(*entity) for entity in get_entities(_as_iobes(tags))}


def _as_iobes(tags: Sequence[str]) -> list[str]:
    """Write the last word of a span, or its only one, as seqeval knows it: BILOU has L- and U-."""
    return [_IOBES.get(tag[:2], tag[:2]) + tag[2:] for tag in tags]


def _counts(
    pairs: Sequence[tuple[set[TaggedSpan], set[TaggedSpan]]],
) -> tuple[IntArray, IntArray, IntArray]:
    """Count, for each sentence, what both sides hold, what the first does, what the second does."""
    counts = [
        (len(true_spans & predicted_spans), len(true_spans), len(predicted_spans))
        for true_spans, predicted_spans in pairs
    ]
    right, true, predicted = np.array(counts, dtype=np.int64).reshape(-1, 3).T
    return right, true, predicted
