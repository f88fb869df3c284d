"""How far the curves of two groups of models are apart, by the benchmark of the search."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from benchmarks.search.page import HIGH, LOW, Line, times_the_loss
from benchmarks.search.results import Quality, Time
from benchmarks.search.rivals import FOUND, RANDOM, UNIFORM, Rival
from bertslim.records import compare


def line(group: str, time: float, kl: float) -> Line:
    rival = Rival(group, f"{time:g}x", None, Path("model"))
    score = compare("accuracy.accuracy", 0.9, 0.9, interval=None)
    return Line(
        rival,
        Quality(key=rival.key, parameters=1, kl=kl, score=score),
        Time(key=rival.key, ratio=time, median_ratio=time, interval=None),
    )


def plain(found: list[tuple[float, float]], others: list[tuple[float, float]]) -> float:
    """The same by summing over narrow slices, where both have a model that is no slower."""
    slices = []
    for time in np.linspace(LOW, HIGH, 60_001):
        best = [
            min((kl for at, kl in points if at <= time), default=None) for points in (found, others)
        ]
        if None not in best:
            slices.append(math.log(best[1] / best[0]))
    return math.exp(np.mean(slices))


def test_a_curve_that_loses_twice_as_much_at_each_time() -> None:
    lines = [line(FOUND, 0.25, 0.01), line(RANDOM, 0.25, 0.02)]
    apart = times_the_loss(lines, RANDOM)
    assert apart is not None
    assert apart.ratio == pytest.approx(2)
    assert apart.share == "0.30 to 0.90"


def test_curves_of_several_models_are_staircases() -> None:
    found = [(0.31, 0.05), (0.5, 0.02), (0.7, 0.004), (0.8, 0.01)]
    others = [(0.45, 0.09), (0.6, 0.02), (0.85, 0.003)]
    lines = [line(group, *one) for group, of in ((FOUND, found), (RANDOM, others)) for one in of]
    apart = times_the_loss(lines, RANDOM)
    assert apart is not None
    assert apart.ratio == pytest.approx(plain(found, others), rel=0.01)
    assert apart.share == "0.45 to 0.90"


def test_groups_without_a_model_are_not_compared() -> None:
    assert times_the_loss([line(FOUND, 0.4, 0.01)], UNIFORM) is None
    assert times_the_loss([line(FOUND, 0.4, 0.01), line(UNIFORM, 0.95, 0.001)], UNIFORM) is None
