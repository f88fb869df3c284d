"""The figure of the record that a figure of this run is compared with."""

from __future__ import annotations

from collections.abc import Sequence

from bertslim.records import Environment, Measurement

_SAME = ("runtime", "batch", "length")


def find_baseline(now: Measurement, baseline: Sequence[Measurement]) -> Measurement | None:
    """Return the usable figure of the record of that name and runtime, at the same shape.

    It is one that was measured on the same device.

    Args:
        now: Of this run.
        baseline: Of the record.
    """
    usable = (
        before
        for before in baseline
        if before.name == now.name and _is_alike(before, now) and _is_usable(before)
    )
    return next(usable, None)


def _is_alike(first: Measurement, second: Measurement) -> bool:
    same = all(first.context.get(key) == second.context.get(key) for key in _SAME)
    return same and device_of(first) == device_of(second)


def device_of(measurement: Measurement) -> str:
    """Return where models ran; older records name no device, and ran them on the CPU."""
    return str(measurement.context.get("device", "cpu"))


def _is_usable(measurement: Measurement) -> bool:
    interval = measurement.interval
    positive = interval is None or interval.of != "ratio" or 0 < interval.low <= interval.high
    return measurement.ratio is not None and measurement.ratio > 0 and positive


def machine_differences(then: Environment, here: Environment) -> tuple[str, ...]:
    """List the differences between two machines that affect times.

    Args:
        then: What the record was measured on.
        here: What this run is measured on.
    """
    differences = []
    if here.cpu != then.cpu:
        differences.append(f"the record was measured on {then.cpu}, this is {here.cpu}")
    if here.cores != then.cores:
        differences.append(f"the record was measured on {then.cores} cores, this has {here.cores}")
    if here.threads != then.threads:
        threads = f"{then.threads} threads, this with {here.threads}"
        differences.append(f"the record was measured with {threads}")
    return tuple(differences)
