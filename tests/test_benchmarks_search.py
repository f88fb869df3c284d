"""What the benchmark of the search compares, and how far the curves of two groups are apart."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest

from benchmarks.search.page import Line, agreement, times_the_loss
from benchmarks.search.results import Quality, Time
from benchmarks.search.rivals import FOUND, RANDOM, UNIFORM, Rival, found
from bertslim.records import Frontier, compare
from support.example_frontiers import frontier


def line(group: str, name: str, time: float, kl: float) -> Line:
    rival = Rival(group, name, None, Path("model"))
    score = compare("accuracy.accuracy", 0.9, 0.9, interval=None)
    return Line(
        rival,
        Quality(key=rival.key, parameters=1, kl=kl, score=score),
        Time(key=rival.key, ratio=time, median_ratio=time, interval=None),
    )


def test_a_curve_that_loses_twice_as_much_at_each_time() -> None:
    lines = [
        line(group, f"{time}", time, times * kl)
        for group, times in ((FOUND, 1), (RANDOM, 2))
        for time, kl in ((0.25, 0.04), (0.95, 0.01))
    ]
    apart = times_the_loss(lines, RANDOM)
    assert apart is not None
    assert apart.ratio == pytest.approx(2)
    assert apart.share == "0.30 to 0.90"


def plain(points: list[tuple[float, float]], time: float) -> float:
    """KL at a time, on the straight line of its logarithm between the models on either side."""
    for (left, before), (right, after) in itertools.pairwise(points):
        if left <= time <= right:
            share = (time - left) / (right - left)
            return before ** (1 - share) * after**share
    raise AssertionError(time)


def test_curves_go_straight_between_models_that_lose_less_than_all_faster_ones() -> None:
    searched = [(0.31, 0.05), (0.5, 0.02), (0.7, 0.004)]
    others = [(0.45, 0.09), (0.6, 0.02), (0.85, 0.003)]
    worse = [line(FOUND, "worse", 0.65, 0.03), line(RANDOM, "no better", 0.7, 0.02)]
    lines = [
        line(group, f"{one}", *one)
        for group, of in ((FOUND, searched), (RANDOM, others))
        for one in of
    ]
    apart = times_the_loss([*worse, *lines], RANDOM)
    assert apart is not None
    logarithms = [
        math.log(plain(others, time) / plain(searched, time))
        for time in np.linspace(0.45, 0.7, 9_999)
    ]
    assert apart.ratio == pytest.approx(math.exp(np.mean(logarithms)), rel=0.01)
    assert apart.share == "0.45 to 0.70"


def test_a_single_model_is_compared_at_its_time() -> None:
    lines = [
        line(FOUND, "a", 0.4, 0.04),
        line(FOUND, "b", 0.6, 0.01),
        line(UNIFORM, "c", 0.5, 0.06),
    ]
    apart = times_the_loss(lines, UNIFORM)
    assert apart is not None
    assert apart.ratio == pytest.approx(3)
    assert apart.share == "0.50 to 0.50"


def test_groups_that_share_no_time_are_not_compared() -> None:
    assert times_the_loss([line(FOUND, "a", 0.4, 0.01)], UNIFORM) is None
    apart = [line(FOUND, "a", 0.4, 0.01), line(UNIFORM, "b", 0.5, 0.001)]
    assert times_the_loss(apart, UNIFORM) is None


RECIPE = {"version": 1, "name": "x", "surgery": [{"op": "drop_ffn", "layers": [0]}]}


def example() -> Frontier:
    """Points at 0.4, 0.5, 0.6 and 0.8 of the base's time, the slowest the best."""
    example = frontier()
    points = (point.model_copy(update={"recipe": RECIPE}) for point in example.points)
    return example.model_copy(update={"points": tuple(points)})


def test_the_best_within_each_share_is_compared_once() -> None:
    models = list(found(example(), (0.9, 0.85, 0.6, 0.3), Path("base")))
    assert [(one.name, one.model) for one in models] == [
        ("0.80x", Path("base")),
        ("0.60x", Path("base")),
    ]


def test_a_slower_point_that_loses_more_is_not_compared() -> None:
    searched = example()
    worse = searched.points[-1].model_copy(update={"damage": 1.0})
    searched = searched.model_copy(update={"points": (*searched.points[:-1], worse)})
    assert [one.name for one in found(searched, (0.9,), Path("base"))] == ["0.60x"]


def test_what_was_predicted_is_held_to_what_models_take_and_lose() -> None:
    lines = [
        line(FOUND, f"{share:.2f}x", time, kl)
        for share, time, kl in ((0.4, 0.42, 0.05), (0.5, 0.5, 0.02), (0.6, 0.597, 0.03))
    ]
    said = agreement([*lines, line(RANDOM, "0.40x", 0.8, 0.5)], example())
    assert "The 3 models of the search took -0.5 to +5.0 % more than predicted" in said
    assert "+0.0 % at the median" in said
    assert "correlation is 0.50" in said
