"""Scores on labelled held-out rows, always as a paired difference to the base."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bertslim.data.class_counts import CLASS_METRICS, ClassCounts
from bertslim.data.metrics import Score
from bertslim.measure.bootstrap import Statistic, statistic_intervals
from bertslim.records import Measurement, Scalar, compare


def measure_accuracy(
    base: Sequence[Score] | None,
    slim: Sequence[Score],
    *,
    seed: int,
    context: dict[str, Scalar],
) -> tuple[Measurement, ...]:
    """Turn the scores of both models on the same rows into figures.

    Args:
        base: The base's scores, metric by metric; None where it cannot predict these labels, and
            the interval is that of the slim model's score.
        slim: Those of the slim model.
        seed: Settles the bootstrap.
        context: What was held fixed: data set, split, n.
    """
    before = [None] * len(slim) if base is None else [one.value for one in base]
    if not slim:
        return ()
    intervals = statistic_intervals(
        _together(slim), None if base is None else _together(base), rows=slim[0].rows, seed=seed
    )
    return tuple(
        compare(one.metric.name, was, one.value, interval=interval, **context)
        for was, one, interval in zip(before, slim, intervals, strict=True)
    )


def _together(scores: Sequence[Score]) -> Statistic:
    """Make one statistic of several: weights (resamples, rows) to (resamples, scores)."""
    return lambda weights: np.stack([one.resampled(weights) for one in scores], axis=-1)


def measure_classes(
    base: ClassCounts | None, slim: ClassCounts, *, seed: int, context: dict[str, Scalar]
) -> tuple[Measurement, ...]:
    """Turn the counts of each class into figures; classes that no row has are left out.

    Arguments as above. The context of a figure also names its class, and says how often that is the
    truth.
    """
    wanted = slim.support > 0
    slim = slim.only(wanted)
    base = None if base is None else base.only(wanted)
    if not slim.names:
        return ()
    intervals = iter(
        statistic_intervals(
            slim.resampled,
            None if base is None else base.resampled,
            rows=len(slim.counts),
            seed=seed,
        )
    )
    before = np.full(slim.figures.shape, None) if base is None else base.figures
    return tuple(
        compare(
            f"classes.{metric}",
            None if was is None else float(was),
            float(found),
            interval=next(intervals),
            **{**context, "class": name, "support": int(support)},
        )
        for name, support, row, rows in zip(
            slim.names, slim.support, before, slim.figures, strict=True
        )
        for metric, was, found in zip(CLASS_METRICS, row, rows, strict=True)
    )
