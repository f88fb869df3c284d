"""Bounds on a drop in accuracy, held to simulations, published figures and plain formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bertslim.search.certify import PairedRows, ResampledDrop, rows_needed


def restricted_score(n: float, b: float, c: float, drop: float) -> float:
    """Tango's statistic, with the likelihood maximised on a grid instead of in closed form."""
    won = np.linspace(1e-12, (1 - drop) / 2 - 1e-9, 400_001)
    likelihood = b * np.log(won + drop) + c * np.log(won) + (n - b - c) * np.log1p(-2 * won - drop)
    p = won[np.nanargmax(likelihood)]
    return (b - c - n * drop) / math.sqrt(n * (2 * p + drop * (1 - drop)))


@pytest.mark.parametrize(("n", "b", "c"), [(100, 9, 4), (500, 20, 25), (300, 3, 0), (50, 6, 6)])
@pytest.mark.parametrize("finalists", [1, 6])
def test_the_bound_is_where_the_score_statistic_is_the_quantile(n, b, c, finalists) -> None:
    from scipy.stats import norm

    bound = PairedRows(n, b, c).bound(finalists)
    expected = -norm.ppf(1 - 0.05 / finalists)
    assert restricted_score(n, b, c, bound) == pytest.approx(expected, abs=2e-3)


def test_no_row_that_differs_proves_no_drop_of_zero() -> None:
    assert PairedRows(100, 0, 0).bound() == pytest.approx(1.645**2 / (100 + 1.645**2), rel=1e-3)


@pytest.mark.parametrize(("lost", "won"), [(0.02, 0.01), (0.06, 0.05), (0.005, 0.004)])
def test_the_bound_is_above_the_drop_19_times_in_20(lost: float, won: float) -> None:
    draw, rows, trials = np.random.default_rng(0), 2000, 4000
    counts = draw.multinomial(rows, [lost, won, 1 - lost - won], size=trials)
    above = [PairedRows(rows, b, c).bound() >= lost - won for b, c, _ in counts]
    assert np.mean(above) > 0.94


def test_more_finalists_and_fewer_rows_widen_the_bound() -> None:
    few, many = PairedRows(500, 10, 5), PairedRows(5000, 100, 50)
    assert many.bound() < few.bound() < few.bound(finalists=8)


def test_a_resampled_drop_is_bounded_by_the_spread_of_its_resamples() -> None:
    resampled = np.random.default_rng(0).normal(0.01, 0.004, 20_000)
    drop = ResampledDrop(800, 0.01, resampled)
    assert drop.bound() == pytest.approx(0.01 + 1.645 * 0.004, rel=0.02)
    needed = rows_needed(drop, 0.012)
    assert needed == pytest.approx(800 * (1.645 * 0.004 / 0.002) ** 2, rel=0.05)


@pytest.mark.parametrize("finalists", [1, 5])
def test_as_many_rows_as_are_needed_are_just_enough(finalists: int) -> None:
    seen = PairedRows(500, 10, 5)
    needed = rows_needed(seen, 0.02, finalists)
    assert needed is not None

    def bound(rows: int) -> float:
        return PairedRows(rows, rows / 50, rows / 100).bound(finalists)

    assert bound(needed) <= 0.02 < bound(needed - 1)


def test_no_number_of_rows_shows_a_drop_that_is_too_large() -> None:
    assert rows_needed(PairedRows(500, 20, 5), 0.03) is None
    assert rows_needed(ResampledDrop(500, 0.03, np.zeros(9)), 0.03) is None
