"""Counts of classes against scikit-learn and seqeval, class by class."""

from __future__ import annotations

import numpy as np
import pytest
from seqeval.metrics import classification_report
from sklearn.metrics import precision_recall_fscore_support

from bertslim.data.class_counts import count_classes, figures_of
from bertslim.data.span_metrics import count_span_types

NAMES = ("a", "b", "c", "never")
TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


@pytest.fixture
def draw() -> np.random.Generator:
    return np.random.default_rng(0)


def expected(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    precision, recall, f1, _ = precision_recall_fscore_support(
        labels, predictions, labels=range(len(NAMES)) if labels.ndim == 1 else None, zero_division=0
    )
    return np.stack([f1, precision, recall], axis=1)


def test_one_class_a_row(draw: np.random.Generator) -> None:
    labels, predictions = draw.integers(0, 3, size=(2, 200))
    found = count_classes(NAMES, labels, predictions)
    np.testing.assert_allclose(found.figures, expected(labels, predictions))
    np.testing.assert_array_equal(found.support, np.bincount(labels, minlength=4))


def test_any_number_of_classes_a_row(draw: np.random.Generator) -> None:
    labels, predictions = draw.integers(0, 2, size=(2, 200, 4))
    found = count_classes(NAMES, labels, predictions)
    np.testing.assert_allclose(found.figures, expected(labels, predictions))


def test_resampled_figures_are_those_of_the_rows_drawn(draw: np.random.Generator) -> None:
    labels, predictions = draw.integers(0, 3, size=(2, 50))
    found = count_classes(NAMES, labels, predictions)
    rows = draw.integers(0, 50, size=(5, 50))
    weights = np.stack([np.bincount(one, minlength=50) for one in rows]).astype(float)
    for one, resampled in zip(rows, found.resampled(weights), strict=True):
        np.testing.assert_allclose(
            resampled.reshape(-1, 3), expected(labels[one], predictions[one]), atol=1e-12
        )


def test_some_classes_alone(draw: np.random.Generator) -> None:
    labels, predictions = draw.integers(0, 3, size=(2, 50))
    found = count_classes(NAMES, labels, predictions)
    some = found.only(np.array([True, False, True, False]))
    assert some.names == ("a", "c")
    np.testing.assert_array_equal(some.figures, found.figures[[0, 2]])


def test_what_never_occurs_has_zeros() -> None:
    np.testing.assert_array_equal(figures_of(np.zeros((2, 3))), np.zeros((2, 3)))


def test_spans_of_each_type(draw: np.random.Generator) -> None:
    true, predicted = (
        [[TAGS[one] for one in draw.integers(0, 5, size=9)] for _ in range(40)] for _ in range(2)
    )
    found = count_span_types(true, predicted, ["LOC", "PER"])
    report = classification_report(true, predicted, output_dict=True, zero_division=0)
    for name, figures, support in zip(found.names, found.figures, found.support, strict=True):
        wanted = [report[name][key] for key in ("f1-score", "precision", "recall")]
        np.testing.assert_allclose(figures, wanted)
        assert support == report[name]["support"]
