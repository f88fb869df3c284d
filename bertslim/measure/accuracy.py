"""Scores on labelled held-out texts, always as a paired difference to the base."""

from __future__ import annotations

import numpy as np

from bertslim.data.tasks import Ids, Metric, Task, accuracy
from bertslim.measure.bootstrap import (
    mean_interval,
    metric_interval,
    paired_difference_interval,
)
from bertslim.records import Interval, Measurement, Scalar, compare

# Scoring a resample takes a pass over the rows for metrics that are no mean over them.
_RESAMPLES = 500


def measure_accuracy(
    task: Task,
    labels: Ids,
    base: Ids | None,
    slim: Ids,
    *,
    seed: int,
    context: dict[str, Scalar],
) -> tuple[Measurement, ...]:
    """Score both models' predictions on the same rows, with the task's metrics.

    Args:
        task: Says which metrics.
        labels: (rows,) of the truth.
        base: (rows,) of the base's predictions; None where it cannot predict these labels, and
            the interval is that of the slim model's score.
        slim: (rows,) of the slim model's predictions.
        seed: Settles the bootstrap.
        context: What was held fixed: data set, split, n.
    """
    return tuple(
        compare(
            f"accuracy.{name}",
            "share",
            None if base is None else metric(labels, base),
            metric(labels, slim),
            interval=_interval(metric, labels, base, slim, seed),
            **context,
        )
        for name, metric in task.metrics.items()
    )


def _interval(metric: Metric, labels: Ids, base: Ids | None, slim: Ids, seed: int) -> Interval:
    if base is None and metric is accuracy:
        return mean_interval((slim == labels).astype(np.float64), seed=seed)
    if base is not None and metric is accuracy:
        right = (base == labels).astype(np.float64), (slim == labels).astype(np.float64)
        return paired_difference_interval(*right, seed=seed)

    def score(rows: Ids) -> float:
        return metric(rows[:, 0], rows[:, 1])

    after = np.stack([labels, slim], axis=1)
    if base is None:
        return metric_interval(after, score, seed=seed, resamples=_RESAMPLES)
    before = np.stack([labels, base], axis=1)
    return paired_difference_interval(before, after, seed=seed, resamples=_RESAMPLES, metric=score)
