"""Finalists: what a drop is made of, and that they are judged row by row."""

from __future__ import annotations

import numpy as np
import pytest

from bertslim.data.metrics import accuracy, macro_f1
from bertslim.search.certify import PairedRows, ResampledDrop
from bertslim.search.finalists import paired_drop


@pytest.fixture
def labels() -> np.ndarray:
    return np.random.default_rng(0).integers(3, size=317)


def changed(labels: np.ndarray, share: float, seed: int) -> np.ndarray:
    draw = np.random.default_rng(seed)
    wrong = draw.random(len(labels)) < share
    return np.where(wrong, (labels + 1) % 3, labels)


def test_of_accuracy_the_rows_that_are_lost_and_won_are_counted(labels) -> None:
    base, slim = changed(labels, 0.1, 1), changed(labels, 0.2, 2)
    drop = paired_drop(accuracy(labels, base), accuracy(labels, slim), seed=0)
    assert isinstance(drop, PairedRows)
    right, still = base == labels, slim == labels
    assert (drop.rows, drop.lost, drop.won) == (
        len(labels), (right & ~still).sum(), (still & ~right).sum(),
    )  # fmt: skip
    assert drop.drop == pytest.approx(right.mean() - still.mean())


def test_of_other_metrics_rows_are_drawn_anew_for_both(labels) -> None:
    base, slim = changed(labels, 0.1, 1), changed(labels, 0.2, 2)
    scores = macro_f1(labels, base), macro_f1(labels, slim)
    drop = paired_drop(*scores, seed=0)
    assert isinstance(drop, ResampledDrop)
    assert drop.drop == pytest.approx(scores[0].value - scores[1].value)
    assert np.mean(drop.resampled) == pytest.approx(drop.drop, abs=0.01)
    assert np.array_equal(drop.resampled, paired_drop(*scores, seed=0).resampled)
    same = paired_drop(scores[0], scores[0], seed=0)
    assert np.ptp(same.resampled) == 0
