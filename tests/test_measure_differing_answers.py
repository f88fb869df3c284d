"""Which texts are told: those that are answered differently, the furthest apart first."""

from __future__ import annotations

import numpy as np
import pytest
from datasets import Dataset

from bertslim.data.task import Rows, Task
from bertslim.data.text_classification import TextClassification
from bertslim.data.text_regression import TextRegression
from bertslim.measure.differing_answers import LONGEST, MOST, find_disagreements
from bertslim.measure.predictions import PredictionComparison


def rows(count: int, labels: bool = True, task: Task | None = None) -> Rows:
    columns: dict[str, list[object]] = {"text": [f"text {n}" for n in range(count)]}
    if labels:
        columns["label"] = [n % 2 for n in range(count)]
    return Rows(task or TextClassification(classes=("no", "yes")), Dataset.from_dict(columns))


def answers(*found: int) -> list[list[int]]:
    return [[one] for one in found]


def test_the_furthest_apart_stand_first() -> None:
    comparison = PredictionComparison(
        rows=4,
        kl=np.array([0.1, 5.0, 0.3, 0.2]),
        base_answers=answers(0, 1, 0, 1),
        slim_answers=answers(1, 1, 1, 1),
    )
    found = find_disagreements(rows(4), comparison)
    assert (found.rows, found.different) == (4, 2)
    assert [(one.text, one.truth, one.base, one.slim, one.distance) for one in found.shown] == [
        ("text 2", "no", "no", "yes", 0.3),
        ("text 0", "no", "no", "yes", 0.1),
    ]


def test_scores_are_apart_by_their_difference() -> None:
    comparison = PredictionComparison(
        rows=2,
        base_outputs=np.array([[0.5], [1.0]]),
        slim_outputs=np.array([[0.4], [3.0]]),
        base_answers=[[0.5], [1.0]],
        slim_answers=[[0.4], [3.0]],
    )
    found = find_disagreements(rows(2, task=TextRegression()), comparison)
    assert [(one.base, one.slim) for one in found.shown] == [("1.000", "3.000"), ("0.500", "0.400")]
    assert found.shown[0].distance == pytest.approx(2)
    assert found.shown[0].truth == "1.000"


def test_texts_without_labels_have_no_truth() -> None:
    comparison = PredictionComparison(rows=1, base_answers=answers(0), slim_answers=answers(1))
    found = find_disagreements(rows(1, labels=False), comparison)
    assert (found.shown[0].truth, found.shown[0].distance) == (None, None)


def test_long_texts_and_lists_are_cut_off() -> None:
    many = MOST + 10
    table = Dataset.from_dict({"text": ["x" * 3 * LONGEST] * many})
    task = TextClassification(classes=("no", "yes"))
    comparison = PredictionComparison(
        rows=many, base_answers=answers(*[0] * many), slim_answers=answers(*[1] * many)
    )
    found = find_disagreements(Rows(task, table), comparison)
    assert (found.different, len(found.shown)) == (many, MOST)
    assert len(found.shown[0].text) == LONGEST


def test_answers_that_have_no_words_are_not_told() -> None:
    comparison = PredictionComparison(rows=1, base_answers=answers(0), slim_answers=answers(1))
    assert find_disagreements(rows(1, task=TextClassification()), comparison) is None
    assert find_disagreements(rows(1), PredictionComparison(rows=1)) is None
