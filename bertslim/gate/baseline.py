"""What of the record a figure of this run is compared with."""

from __future__ import annotations

from collections.abc import Sequence

from bertslim.records import Measurement

_SAME = ("runtime", "batch", "length")


def find_baseline(now: Measurement, baseline: Sequence[Measurement]) -> Measurement | None:
    """Return the usable figure of the record of that name, at the same runtime, batch and length.

    Args:
        now: Of this run.
        baseline: Of the record.
    """
    same = (one for one in baseline if one.name == now.name and _is_alike(one, now))
    return next((one for one in same if _is_usable(one)), None)


def _is_alike(one: Measurement, other: Measurement) -> bool:
    return all(one.context.get(key) == other.context.get(key) for key in _SAME)


def _is_usable(measurement: Measurement) -> bool:
    interval = measurement.interval
    positive = interval is None or interval.of != "ratio" or 0 < interval.low <= interval.high
    return measurement.ratio is not None and measurement.ratio > 0 and positive
