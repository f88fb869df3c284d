"""Spans in each of the ways that tags mark them."""

from __future__ import annotations

import pytest
from hypothesis import given as drawn
from hypothesis import strategies
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import BILOU, IOB1, IOB2, IOBES

from bertslim.data.span_metrics import TaggedSpan, span_scores, spans_of

SPANS = {TaggedSpan("PER", 0, 1), TaggedSpan("LOC", 2, 2), TaggedSpan("LOC", 4, 6)}


@pytest.mark.parametrize(
    ("tags", "scheme"),
    [
        ("I-PER I-PER I-LOC O I-LOC I-LOC I-LOC", IOB1),
        ("B-PER I-PER B-LOC O B-LOC I-LOC I-LOC", IOB2),
        ("B-PER E-PER S-LOC O B-LOC I-LOC E-LOC", IOBES),
        ("B-PER L-PER U-LOC O B-LOC I-LOC L-LOC", BILOU),
    ],
)
def test_the_same_spans_in_four_schemes(tags: str, scheme: type) -> None:
    true = tags.split()
    assert spans_of(true) == SPANS
    given = ["O", "O", *true[2:4], "O", "O", "O"]
    score = span_scores([true, true], [given, true])[0]
    assert score.value == pytest.approx(2 * 4 / (6 + 4))
    strict = f1_score([true, true], [given, true], mode="strict", scheme=scheme)
    assert score.value == pytest.approx(strict)


TAG = strategies.sampled_from(
    ["O", *(f"{mark}{kind}" for mark in "BIES" for kind in ("-PER", "-LOC", "-LOC-2", ""))]
)
SENTENCE = strategies.lists(strategies.tuples(TAG, TAG), min_size=1, max_size=9)


@drawn(strategies.lists(SENTENCE, min_size=1, max_size=4))
def test_spans_and_scores_are_those_of_seqeval_for_any_tags(
    sentences: list[list[tuple[str, str]]],
) -> None:
    true, predicted = ([[pair[side] for pair in one] for one in sentences] for side in (0, 1))
    for tags in (*true, *predicted):
        assert spans_of(tags) == {TaggedSpan(*entity) for entity in get_entities(tags)}
    values = [score.value for score in span_scores(true, predicted)]
    theirs = [f1_score, precision_score, recall_score]
    assert values == pytest.approx([score(true, predicted, zero_division=0) for score in theirs])
