"""What of the record a figure of this run is compared with."""

from __future__ import annotations

from collections.abc import Sequence

from bertslim.records import Environment, Measurement

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


def machine_differences(then: Environment, here: Environment) -> tuple[str, ...]:
    """Say in what a time differs from the record's before anything has become slower.

    Args:
        then: What the record was measured on.
        here: What this run is measured on.
    """
    found = []
    if here.cpu != then.cpu:
        found.append(f"the record was measured on {then.cpu}, this is {here.cpu}")
    if here.cores != then.cores:
        found.append(f"the record was measured on {then.cores} cores, this has {here.cores}")
    if here.threads != then.threads:
        threads = f"{then.threads} threads, this with {here.threads}"
        found.append(f"the record was measured with {threads}")
    return tuple(found)
