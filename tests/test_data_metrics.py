"""Metrics: their figures are the libraries', their resampling formulas are held to the figures."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bertslim.data.metrics import (
    Score,
    accuracy,
    exact_match,
    f1_of_words,
    f1_score_of_counts,
    macro_f1,
    matthews,
    mean_squared_error,
    micro_f1,
    pearson,
    ratio_score,
    spearman,
)
from bertslim.measure.bootstrap import statistic_interval

ROWS = 60
Metric = Callable[[np.ndarray, np.ndarray], Score]


def classes(seed: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 4, ROWS)
    return labels, np.where(draw.random(ROWS) < 0.6, labels, draw.integers(0, 3, ROWS))


def label_sets(seed: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    labels = (draw.random((ROWS, 5)) < [0.5, 0.3, 0.1, 0.02, 0.0]).astype(int)
    return labels, np.where(draw.random((ROWS, 5)) < 0.8, labels, 1 - labels)


def numbers(seed: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    truth = draw.integers(0, 6, ROWS) / 1.0  # with ties
    return truth, (truth + draw.normal(size=ROWS)).round(1) + 9


CASES = [
    (accuracy, classes),
    (macro_f1, classes),
    (matthews, classes),
    (micro_f1, label_sets),
    (macro_f1, label_sets),
    (pearson, numbers),
    (spearman, numbers),
    (mean_squared_error, numbers),
]


@pytest.mark.parametrize(("metric", "make"), CASES)
def test_the_formula_of_every_row_drawn_once_is_the_figure(metric: Metric, make) -> None:
    for seed in range(5):
        score = metric(*make(seed))
        assert score.rows == ROWS
        (found,) = score.resampled(np.ones((1, ROWS)))
        assert found == pytest.approx(score.value, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(("metric", "make"), CASES)
def test_the_formula_of_a_resample_is_the_figure_of_its_rows(metric: Metric, make) -> None:
    truth, predictions = make(3)
    score = metric(truth, predictions)
    draw = np.random.default_rng(0)
    for _ in range(40):
        rows = draw.integers(ROWS, size=ROWS)
        weights = np.bincount(rows, minlength=ROWS)[None].astype(float)
        expected = metric(truth[rows], predictions[rows]).value
        assert score.resampled(weights)[0] == pytest.approx(expected, rel=1e-12, abs=1e-12)


def slow_macro_f1(labels: list[int], predictions: list[int]) -> float:
    scores = []
    for label in sorted(set(labels) | set(predictions)):
        hits = sum(one == other == label for one, other in zip(labels, predictions, strict=True))
        scores.append(2 * hits / (labels.count(label) + predictions.count(label)))
    return sum(scores) / len(scores)


def slow_correlation(one: list[float], other: list[float]) -> float:
    x, y = (np.array(side) - sum(side) / len(side) for side in (one, other))
    return float((x * y).sum() / np.sqrt((x * x).sum() * (y * y).sum()))


def slow_ranks(values: list[float]) -> list[float]:
    return [
        sum(other < value for other in values) + (values.count(value) + 1) / 2 for value in values
    ]


def test_figures_are_those_of_plain_loops() -> None:
    labels, predictions = (side.tolist() for side in classes(1))
    right = sum(one == other for one, other in zip(labels, predictions, strict=True)) / ROWS
    assert accuracy(*classes(1)).value == pytest.approx(right)
    assert macro_f1(*classes(1)).value == pytest.approx(slow_macro_f1(labels, predictions))
    truth, given = (side.tolist() for side in numbers(1))
    assert pearson(*numbers(1)).value == pytest.approx(slow_correlation(truth, given))
    assert spearman(*numbers(1)).value == pytest.approx(
        slow_correlation(slow_ranks(truth), slow_ranks(given))
    )
    errors = [(one - other) ** 2 for one, other in zip(truth, given, strict=True)]
    assert mean_squared_error(*numbers(1)).value == pytest.approx(sum(errors) / ROWS)
    sets, chosen = label_sets(1)
    hits = int((sets & chosen).sum())
    assert micro_f1(sets, chosen).value == pytest.approx(2 * hits / int(sets.sum() + chosen.sum()))


def test_matthews_of_two_classes_is_the_correlation_of_labels_and_predictions() -> None:
    labels, predictions = (side % 2 for side in classes(2))
    expected = slow_correlation(labels.tolist(), predictions.tolist())
    assert matthews(labels, predictions).value == pytest.approx(expected)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=8))
def test_classes_that_are_missing_say_nothing_and_break_nothing(
    pairs: list[tuple[int, int]],
) -> None:
    labels, predictions = np.array(pairs).T
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for metric in (accuracy, macro_f1, matthews):
            score = metric(labels, predictions)
            (found,) = score.resampled(np.ones((1, len(pairs))))
            assert found == pytest.approx(score.value, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("metric", [pearson, spearman])
def test_answers_that_never_change_correlate_with_nothing(metric: Metric) -> None:
    truth, _ = numbers(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        score = metric(truth, np.full(ROWS, 0.7))
    assert score.value == 0
    assert score.resampled(np.ones((2, ROWS))).tolist() == [0, 0]
    assert score.defined
    assert not metric(np.full(ROWS, 3.0), truth).defined


def test_counts_are_summed_before_they_are_divided() -> None:
    right, true, given = np.array([1, 0, 3]), np.array([2, 1, 3]), np.array([1, 0, 4])
    assert f1_score_of_counts("f1", right, true, given).value == pytest.approx(2 * 4 / (6 + 5))
    assert ratio_score("share", right, true).value == pytest.approx(4 / 6)
    nothing = ratio_score("share", np.zeros(3), np.zeros(3))
    assert nothing.value == 0


def test_an_interval_over_many_rows_and_classes_takes_no_time() -> None:
    draw = np.random.default_rng(0)
    labels, predictions = draw.integers(0, 50, (2, 4000))
    found = statistic_interval(macro_f1(labels, predictions).resampled, rows=4000, seed=0)
    assert 0.01 < found.low < found.high < 0.03


@pytest.mark.parametrize(
    ("answers", "given", "exact", "f1"),
    [
        (["Denver Broncos"], "the Denver  broncos.", 1, 1),
        (["Denver Broncos"], "Broncos", 0, 2 / 3),
        (["a cat", "dog"], "big dog", 0, 2 / 3),
        (["to be or not to be"], "be be be", 0, 2 * 2 / (6 + 3)),
        (["308"], "three", 0, 0),
        (["U.S."], "us", 1, 1),
        ([], "", 1, 1),
        ([], "Ada", 0, 0),
        (["Ada"], "", 0, 0),
        (["the"], "", 1, 1),
    ],
)
def test_answers(answers: list[str], given: str, exact: float, f1: float) -> None:
    assert exact_match(answers, given) == exact
    assert f1_of_words(answers, given) == pytest.approx(f1)
