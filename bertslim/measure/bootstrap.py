"""Bootstrap intervals: percentiles of a statistic over resampled rows (Efron 1979).

What is measured in pairs is resampled in pairs, so that what the two share (the machine's drift,
a row that is hard for both) cancels. Every interval is settled by its seed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bertslim.arrays import FloatArray, IntArray
from bertslim.data.metrics import Statistic
from bertslim.records import Interval, unusable_figure

RESAMPLES = 2000
TRIMMED_OF = 7  # launches, of which the lowest and the highest ratio do not count
CHUNK_ELEMENTS = 1 << 21
_MAD_OF_NORMAL = 0.6744897501960817  # of a standard deviation


def ratio_interval(
    base: FloatArray,
    slim: FloatArray,
    launches: Sequence[int] | None = None,
    *,
    seed: int,
    resamples: int = RESAMPLES,
    level: float = 0.95,
) -> Interval:
    """Interval of the median over rounds of median(slim block) / median(base block).

    The two blocks of a round follow one upon the other, so that what slows the machine for seconds
    slows both. With several launches, the interval of the mean of the logarithms of their ratios,
    since processes of one model differ from launch to launch; with one, the bootstrap over its
    rounds. Of seven launches and more the mean is trimmed, for on a busy machine one launch in many
    is far off: Student's t interval becomes that of Tukey and McLaughlin 1963 (Sankhya A 25), with
    the variance of the Winsorised logarithms.

    Args:
        base: Shape (rounds,), or (rounds, calls); medians are over all calls of the rounds drawn.
        slim: The same rounds of the slim model.
        launches: How many of the rounds, in their order, come from each pair of processes; None:
            all from one.
        seed: Settles which rounds are drawn.
        resamples: How often all rounds are drawn anew.
        level: How often such an interval holds the ratio.
    """
    rounds = _same_rows(base, slim)
    logs = log_ratios(base, slim)
    if launches is not None and len(launches) > 1:
        return _interval_over_launches(_of_launches(logs, launches), level)
    drawn = [np.median(logs[rows], axis=1) for rows in _resampled(rounds, seed, resamples)]
    return _interval("ratio", np.exp(np.concatenate(drawn)), level)


def launch_ratio(base: FloatArray, slim: FloatArray, launches: Sequence[int]) -> float:
    """Geometric mean of the ratios of the launches, trimmed as above, arguments as above."""
    logs = np.sort(_of_launches(log_ratios(base, slim), launches))
    return math.exp(float(logs[_kept(len(logs))].mean()))


def median_error(values: FloatArray) -> float:
    """Standard error of the median of normal values, from their median absolute deviation."""
    spread = float(np.median(np.abs(values - np.median(values)))) / _MAD_OF_NORMAL
    return math.sqrt(math.pi / 2) * spread / math.sqrt(len(values))


def log_ratios(base: FloatArray, slim: FloatArray) -> FloatArray:
    """Return log(median(slim) / median(base)) of each round, (rounds,), arguments as above."""
    rounds = _same_rows(base, slim)
    before, after = (np.median(times.reshape(rounds, -1), axis=1) for times in (base, slim))
    logs: FloatArray = np.log(after / before)
    return logs


def _of_launches(logs: FloatArray, launches: Sequence[int]) -> FloatArray:
    ends = np.cumsum(launches)[:-1]
    return np.array([np.median(part) for part in np.split(logs, ends)])


def _interval_over_launches(logs: FloatArray, level: float) -> Interval:
    from scipy.special import stdtrit

    logs, kept = np.sort(logs), _kept(len(logs))
    left = logs[kept]
    mean = float(left.mean())
    winsorised = logs.clip(left[0], left[-1])
    error = float(winsorised.std(ddof=1)) * math.sqrt(len(logs)) / len(left)
    reach = float(stdtrit(len(left) - 1, (1 + level) / 2)) * error
    low, high = np.exp([mean - reach, mean + reach])
    return _finite_interval("ratio", low, high, level)


def _kept(launches: int) -> slice:
    """Which of the sorted launches count: of every seven the lowest and the highest do not."""
    trimmed = launches // TRIMMED_OF
    return slice(trimmed, launches - trimmed)


def paired_difference_interval(
    base: NDArray[Any], slim: NDArray[Any], *, seed: int, resamples: int = RESAMPLES
) -> Interval:
    """Interval of mean(slim) - mean(base), both (rows,), where the same rows are drawn from both.

    Args:
        base: A figure a row.
        slim: The same rows of the slim model.
        seed: Settles which rows are drawn.
        resamples: How often all rows are drawn anew.
    """
    _same_rows(base, slim)
    means = _resampled_means(np.subtract(slim, base, dtype=np.float64), seed, resamples)
    return _interval("difference", means)


def statistic_interval(
    slim: Statistic,
    base: Statistic | None = None,
    *,
    rows: int,
    seed: int,
    resamples: int = RESAMPLES,
) -> Interval:
    """Interval of slim - base where the same rows are drawn for both; without a base, of slim.

    Args:
        slim: Weights (resamples, rows), how often each row was drawn, to figures (resamples,).
        base: The same of the base.
        rows: How many there are.
        seed: Settles which are drawn.
        resamples: How often all rows are drawn anew.
    """
    intervals = statistic_intervals(slim, base, rows=rows, seed=seed, resamples=resamples)
    return intervals[0]


def statistic_intervals(
    slim: Statistic,
    base: Statistic | None = None,
    *,
    rows: int,
    seed: int,
    resamples: int = RESAMPLES,
) -> list[Interval]:
    """Intervals of several figures of the same rows, which are drawn once for all of them.

    Args:
        slim: Weights (resamples, rows) to figures (resamples, figures).
        base: The same of the base.
        rows: How many there are.
        seed: Settles which are drawn.
        resamples: How often all rows are drawn anew.
    """
    figures = []
    for drawn in _resampled(rows, seed, resamples):
        weights = _weights(drawn)
        figures.append(slim(weights) if base is None else slim(weights) - base(weights))
    of: Literal["slim", "difference"] = "slim" if base is None else "difference"
    columns = np.concatenate(figures).reshape(resamples, -1).T
    return [_interval(of, column) for column in columns]


def mean_interval(values: FloatArray, *, seed: int, resamples: int = RESAMPLES) -> Interval:
    """Interval of the mean of a figure that only the slim model has, such as KL to the base."""
    return _interval("slim", _resampled_means(values, seed, resamples))


def _resampled_means(values: FloatArray, seed: int, resamples: int) -> FloatArray:
    chunks = _resampled(len(values), seed, resamples)
    return np.concatenate([values[rows].mean(axis=1) for rows in chunks])


def _resampled(rows: int, seed: int, resamples: int) -> Iterator[IntArray]:
    """Draw row numbers with replacement, shape (chunk, rows), as many as memory allows at once."""
    if rows == 0:
        raise ValueError("nothing to resample")
    generator = np.random.default_rng(seed)
    chunk = max(1, CHUNK_ELEMENTS // rows)
    for start in range(0, resamples, chunk):
        yield generator.integers(rows, size=(min(chunk, resamples - start), rows))


def _weights(drawn: IntArray) -> FloatArray:
    """Count how often each row was drawn: row numbers (resamples, rows) to as many counts."""
    resamples, rows = drawn.shape
    places = drawn + rows * np.arange(resamples)[:, None]
    return np.bincount(places.ravel(), minlength=drawn.size).reshape(drawn.shape).astype(np.float64)


def _same_rows(base: NDArray[Any], slim: NDArray[Any]) -> int:
    if len(base) != len(slim):
        raise ValueError(f"{len(base)} rows of the base, {len(slim)} of the slim model")
    return len(base)


def _interval(
    of: Literal["ratio", "difference", "slim"], statistics: FloatArray, level: float = 0.95
) -> Interval:
    low, high = np.quantile(statistics, [(1 - level) / 2, (1 + level) / 2])
    return _finite_interval(of, low, high, level)


def _finite_interval(
    of: Literal["ratio", "difference", "slim"], low: float, high: float, level: float
) -> Interval:
    if not math.isfinite(low) or not math.isfinite(high):
        raise unusable_figure(f"what is measured of a model lies between {low} and {high}")
    return Interval(of=of, low=float(low), high=float(high), level=level)
