"""Scores on labelled held-out rows, always as a paired difference to the base."""

from __future__ import annotations

from collections.abc import Sequence

from bertslim.data.metrics import Score
from bertslim.measure.bootstrap import statistic_interval
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
    before = [None] * len(slim) if base is None else base
    return tuple(
        _measure(one, after, seed, context) for one, after in zip(before, slim, strict=True)
    )


def _measure(base: Score | None, slim: Score, seed: int, context: dict[str, Scalar]) -> Measurement:
    interval = statistic_interval(
        slim.resampled,
        None if base is None else base.resampled,
        rows=slim.rows,
        seed=seed,
    )
    return compare(
        f"accuracy.{slim.name}",
        slim.unit,
        None if base is None else base.value,
        slim.value,
        interval=interval,
        **context,
    )
