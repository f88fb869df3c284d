"""Figures with their 95 % intervals, as the tables and pictures of the guides show them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bertslim.records import Measurement

UNKNOWN = "–"


@dataclass(frozen=True)
class Figure:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float

    def shown(self, digits: int, sign: str = "") -> str:
        """Write the figure, and the interval behind it."""
        value, low, high = (f"{one:{sign}.{digits}f}" for one in (self.value, self.low, self.high))
        return f"{value} ({low} to {high})"


def average(figures: Sequence[Figure], weights: Sequence[float] | None = None) -> Figure:
    """Average figures, and the ends of their intervals as well.

    The standard deviation of a mean is at most the mean of the standard deviations, however the
    figures depend on each other: the interval is rather too wide than too narrow.
    """
    return Figure(*(
        statistics.fmean((getattr(one, name) for one in figures), weights)
        for name in ("value", "low", "high")
    ))  # fmt: skip


def points_of(score: Measurement) -> Figure:
    """Return the paired difference to the base in points: hundredths of the score."""
    assert score.base is not None
    assert score.slim is not None
    low, high = ends(score)
    return Figure(100 * (score.slim - score.base), 100 * low, 100 * high)


def ratio_of(measurement: Measurement) -> Figure:
    """Return slim / base."""
    assert measurement.ratio is not None
    return Figure(measurement.ratio, *ends(measurement))


def ends(measurement: Measurement) -> tuple[float, float]:
    """Return the ends of the interval."""
    assert measurement.interval is not None
    return measurement.interval.low, measurement.interval.high
