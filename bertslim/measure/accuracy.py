"""Scores on labelled held-out texts, always as a paired difference to the base."""

from __future__ import annotations

import numpy as np

from bertslim.data.tasks import Ids, Metric, Task
from bertslim.measure.bootstrap import paired_difference_interval
from bertslim.records import Interval, Measurement, Scalar, compare

# Scoring a resample takes a pass over the rows for metrics that are no mean over them.
_RESAMPLES = 500


def measure_accuracy(
    task: Task,
    labels: Ids,
    base: Ids,
    slim: Ids,
    *,
    seed: int,
    context: dict[str, Scalar],
) -> tuple[Measurement, ...]:
    """Score both models' predictions on the same rows, with the task's metrics.

    Args:
        task: Says which metrics.
        labels: (rows,) of the truth.
        base: (rows,) of the base's predictions.
        slim: (rows,) of the slim model's predictions.
        seed: Settles the bootstrap.
        context: What was held fixed: data set, split, n.
    """
    return tuple(
        compare(
            f"accuracy.{name}",
            "share",
            metric(labels, base),
            metric(labels, slim),
            interval=_interval(name, metric, labels, base, slim, seed),
            **context,
        )
        for name, metric in task.metrics.items()
    )


def _interval(
    name: str, metric: Metric, labels: Ids, base: Ids, slim: Ids, seed: int
) -> Interval:
    if name == "accuracy":
        return paired_difference_interval(base == labels, slim == labels, seed=seed)
    return paired_difference_interval(
        np.stack([labels, base], axis=1),
        np.stack([labels, slim], axis=1),
        seed=seed,
        resamples=_RESAMPLES,
        metric=lambda rows: metric(rows[:, 0], rows[:, 1]),
    )
