"""Scores of spans in sequences of tags such as B-PER, I-PER, O, as conlleval and seqeval count.

The rules are those of conlleval (Tjong Kim Sang and De Meulder 2003, the CoNLL-2003 shared task).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bertslim.arrays import IntArray
from bertslim.data.class_counts import ClassCounts
from bertslim.data.metrics import Score, f1_score_of_counts, ratio_score

_IOBES = {"L": "E", "U": "S"}

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
    right, true_spans, predicted_spans = span_counts(true, predicted)
    return (
        f1_score_of_counts("span_f1", right, true_spans, predicted_spans),
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
    """Return the spans of a sentence, in any of the schemes IOB1, IOB2, IOBES and BILOU.

    Args:
        tags: A tag a word: a letter, alone or with a hyphen and a type, or O.
    """
    spans: set[TaggedSpan] = set()
    first, before = 0, _OUTSIDE
    for number, here in enumerate([*map(_Tag.read, tags), _OUTSIDE]):
        if before.ends_before(here):
            spans.add(TaggedSpan(before.type, first, number - 1))
        if here.begins_after(before):
            first = number
        before = here
    return spans


class _Tag(NamedTuple):
    """The tag of one word.

    Attributes:
        mark: Where in a span the word stands: B, I, E (the last one), S (the only one), or O.
        type: Of the span; "_" where the tag names none.
    """

    mark: str
    type: str

    @classmethod
    def read(cls, tag: str) -> _Tag:
        """Read a tag; the last word of a span is L in BILOU, and its only one U."""
        mark, _, kind = tag.partition("-")
        return cls(_IOBES.get(mark, mark), kind or "_")

    def ends_before(self, following: _Tag) -> bool:
        """Whether a span ends in this word."""
        ends = self.mark in "ES" or following.mark in "BSO" or self.type != following.type
        return self.mark != "O" and ends

    def begins_after(self, previous: _Tag) -> bool:
        """Whether a span begins in this word."""
        begins = self.mark in "BS" or previous.mark in "ESO" or self.type != previous.type
        return self.mark != "O" and begins


_OUTSIDE = _Tag("O", "_")


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
