"""Scores of spans in sequences of tags such as B-PER, I-PER, O, as conlleval and seqeval count."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from bertslim.data.metrics import Ids, Score, f1_score_of_counts, ratio_score

Tags = Sequence[Sequence[str]]


def span_scores(true: Tags, predicted: Tags) -> tuple[Score, ...]:
    """Score F1, precision and recall of spans: right if type, start and end are.

    Args:
        true: The tags of each sentence.
        predicted: The same that a model gave.
    """
    from seqeval.metrics import f1_score

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value = float(f1_score(true, predicted, zero_division=0))
    right, spans, found = span_counts(true, predicted)
    return (
        f1_score_of_counts("span_f1", right, spans, found, value=value),
        ratio_score("span_precision", right, found),
        ratio_score("span_recall", right, spans),
    )


def span_counts(true: Tags, predicted: Tags) -> tuple[Ids, Ids, Ids]:
    """Count, for each sentence, spans that are right, that there are, and that were predicted."""
    from seqeval.metrics.sequence_labeling import get_entities

    pairs = [
        (set(get_entities(list(one))), set(get_entities(list(other))))
        for one, other in zip(true, predicted, strict=True)
    ]
    counts = [(len(one & other), len(one), len(other)) for one, other in pairs]
    right, spans, found = np.array(counts, dtype=np.int64).reshape(-1, 3).T
    return right, spans, found
