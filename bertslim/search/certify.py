"""How much worse than its base a model may be, and how many rows show that it is not.

The bound on the drop is one-sided, at 95 %, from the same rows of both models, and holds for all
models together that were looked at on these rows (Bonferroni).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bertslim.arrays import FloatArray

LEVEL = 0.95
_MOST_ROWS = 1 << 40
_HALVINGS = 60


@dataclass(frozen=True)
class PairedRows:
    """How two models answer the same rows, where an answer is right or wrong.

    Attributes:
        rows: How many there are.
        lost: Rows that the base has right and the other model wrong.
        won: Rows that it is the other way round with.
    """

    rows: float
    lost: float
    won: float

    @property
    def drop(self) -> float:
        """By how much the share of right answers is below the base's."""
        return (self.lost - self.won) / self.rows

    def bound(self, finalists: int = 1) -> float:
        """Return the most that the drop may be, at LEVEL.

        The upper end of Tango's score interval for a difference of paired shares (Tango 1998,
        Statistics in Medicine 17, 891-908), which also holds where hardly any row differs.

        Args:
            finalists: How many models were looked at on these rows.
        """
        quantile = _quantile(finalists)
        low, high = self.drop, 1.0
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            if self._score(middle) > -quantile:
                low = middle
            else:
                high = middle
        return high

    def _score(self, drop: float) -> float:
        """Return the score statistic of the hypothesis that this is the drop."""
        n, b, c = self.rows, self.lost, self.won
        # the share of rows that the other model wins, by maximum likelihood for this drop
        p = -b - c + (2 * n - b + c) * drop
        won = (math.sqrt(p * p + 8 * n * c * drop * (1 - drop)) - p) / (4 * n)
        variance = n * (2 * won + drop * (1 - drop))
        return (b - c - n * drop) / math.sqrt(variance) if variance > 0 else 0.0


@dataclass(frozen=True)
class ResampledDrop:
    """The drop of any other metric, with what it is in rows drawn anew.

    Attributes:
        rows: How many there are.
        drop: By how much the metric is below the base's.
        resampled: The same of each resample, (resamples,).
    """

    rows: float
    drop: float
    resampled: FloatArray

    def bound(self, finalists: int = 1) -> float:
        """Return the most that the drop may be, at LEVEL, by the normal distribution.

        Args:
            finalists: How many models were looked at on these rows.
        """
        return self.drop + _quantile(finalists) * float(np.std(self.resampled, ddof=1))


Drop = PairedRows | ResampledDrop


def rows_needed(drop: Drop, allowed: float, finalists: int = 1) -> int | None:
    """Return how many rows would show that a drop is allowed, if it is as seen.

    Args:
        drop: As seen.
        allowed: The most that the drop may be.
        finalists: How many models are looked at on the rows.

    Returns:
        None: none would, since the drop as seen is not below what is allowed.
    """
    if not drop.drop < allowed:
        return None
    if isinstance(drop, ResampledDrop):
        error = drop.bound(finalists) - drop.drop
        return math.ceil(drop.rows * (error / (allowed - drop.drop)) ** 2) or 1

    def shows(rows: int) -> bool:
        share = rows / drop.rows
        scaled = PairedRows(rows, drop.lost * share, drop.won * share)
        return scaled.bound(finalists) <= allowed

    return _fewest(shows)


def _fewest(shows: Callable[[int], bool]) -> int | None:
    """Return the first whole number for which something holds that holds for all larger ones."""
    high = 1
    while not shows(high):
        high *= 2
        if high > _MOST_ROWS:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if shows(middle) else (middle, high)
    return high


def _quantile(finalists: int) -> float:
    from scipy.special import ndtri

    return float(ndtri(1 - (1 - LEVEL) / finalists))
