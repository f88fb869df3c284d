"""Scores of two models on the same rows, and how sure their difference is."""

from __future__ import annotations

import numpy as np
import pytest

from bertslim.data.class_counts import count_classes
from bertslim.data.metrics import accuracy, macro_f1
from bertslim.measure.accuracy import measure_accuracy, measure_classes

ROWS = 400


def draw(seed: int, right: float, labels: np.ndarray, classes: int = 3) -> np.ndarray:
    """Make predictions of which a share is right."""
    generator = np.random.default_rng(seed)
    wrong = (labels + generator.integers(1, classes, size=len(labels))) % classes
    return np.where(generator.random(len(labels)) < right, labels, wrong)


@pytest.fixture
def labels() -> np.ndarray:
    return np.random.default_rng(9).integers(0, 3, size=ROWS)


def measure(labels, base, slim, seed: int = 0):
    before, after = (
        None if one is None else [accuracy(labels, one), macro_f1(labels, one)]
        for one in (base, slim)
    )
    found = measure_accuracy(before, after, seed=seed, context={"n": ROWS})
    return {one.name: one for one in found}


def test_figures_of_both_models_stand_side_by_side(labels: np.ndarray) -> None:
    base, slim = draw(1, 0.9, labels), draw(2, 0.8, labels)
    found = measure(labels, base, slim)
    assert list(found) == ["accuracy.accuracy", "accuracy.macro_f1"]
    for figure, metric in zip(found.values(), (accuracy, macro_f1), strict=True):
        assert (figure.base, figure.slim) == (
            metric(labels, base).value,
            metric(labels, slim).value,
        )
        assert figure.ratio == pytest.approx(figure.slim / figure.base)
        assert figure.unit == "share"
        assert figure.context == {"n": ROWS}


def test_the_interval_is_that_of_the_paired_difference(labels: np.ndarray) -> None:
    base = draw(1, 0.9, labels)
    slim = base.copy()
    slim[:20] = (labels[:20] + 1) % 3
    found = measure(labels, base, slim)
    for figure in found.values():
        difference = figure.slim - figure.base
        assert figure.interval.of == "difference"
        assert figure.interval.low < difference < figure.interval.high
    changed = (slim == labels).astype(float) - (base == labels)
    spread = 1.96 * changed.std() / ROWS**0.5
    interval = found["accuracy.accuracy"].interval
    assert interval.high - interval.low == pytest.approx(2 * spread, rel=0.1)
    unpaired = 1.96 * np.sqrt((base == labels).var() + (slim == labels).var()) / ROWS**0.5
    assert spread < 0.6 * unpaired


def test_without_a_base_the_interval_is_that_of_the_score(labels: np.ndarray) -> None:
    slim = draw(2, 0.8, labels)
    for figure in measure(labels, None, slim).values():
        assert figure.base is figure.ratio is None
        assert figure.interval.of == "slim"
        assert figure.interval.low < figure.slim < figure.interval.high


def test_the_same_predictions_differ_by_nothing_for_certain(labels: np.ndarray) -> None:
    base = draw(1, 0.7, labels)
    for figure in measure(labels, base, base.copy()).values():
        assert figure.base == figure.slim
        assert (figure.interval.low, figure.interval.high) == (0, 0)


def test_the_seed_settles_the_interval(labels: np.ndarray) -> None:
    base, slim = draw(1, 0.9, labels), draw(2, 0.8, labels)
    first, again, other = (measure(labels, base, slim, seed=seed) for seed in (1, 1, 2))
    assert first == again != other


def test_a_base_that_is_never_right_has_no_ratio(labels: np.ndarray) -> None:
    found = measure(labels, (labels + 1) % 3, labels)["accuracy.accuracy"]
    assert (found.base, found.slim, found.ratio) == (0, 1, None)


def test_each_class_has_its_figures_and_intervals(labels: np.ndarray) -> None:
    names = ("red", "green", "blue", "never")
    base, slim = (
        count_classes(names, labels, draw(seed, right, labels))
        for seed, right in ((1, 0.9), (2, 0.7))
    )
    found = measure_classes(base, slim, seed=0, context={"n": ROWS})
    assert [one.name for one in found] == ["classes.f1", "classes.precision", "classes.recall"] * 3
    assert [one.context["class"] for one in found[::3]] == ["red", "green", "blue"]
    assert sum(one.context["support"] for one in found[::3]) == ROWS
    for place, one in enumerate(found):
        assert (one.base, one.slim) == (base.figures.flat[place], slim.figures.flat[place])
        assert one.interval.of == "difference"
        assert one.interval.low < one.slim - one.base < one.interval.high
    assert all(one.interval.high < 0 for one in found[::3]), "0.9 against 0.7 can be told apart"


def test_classes_of_a_single_model(labels: np.ndarray) -> None:
    slim = count_classes(("red", "green", "blue"), labels, draw(2, 0.7, labels))
    for one in measure_classes(None, slim, seed=0, context={}):
        assert one.base is None
        assert one.interval.of == "slim"
        assert one.interval.low < one.slim < one.interval.high


def test_no_labelled_class_has_no_figures() -> None:
    none = count_classes(("red",), np.array([], dtype=int), np.array([], dtype=int))
    assert measure_classes(none, none, seed=0, context={}) == ()
