"""Latencies made up for the tests of the gate."""

from __future__ import annotations

import math

from bertslim.records import Interval, Measurement, Scalar


def latency(
    ratio: float | None,
    low: float | None = None,
    high: float | None = None,
    *,
    batch: int = 1,
    length: int = 128,
    **context: Scalar,
) -> Measurement:
    interval = None
    if low is not None and high is not None:
        interval = Interval(of="ratio", low=low, high=high)
    shape: dict[str, Scalar] = {"runtime": "torch", "batch": batch, "length": length}
    return Measurement(
        name="latency", unit="ms", ratio=ratio, interval=interval, context=shape | context
    )


def give_or_take(ratio: float, share: float, **context: int) -> Measurement:
    """A latency whose interval is symmetric in the logarithm."""
    return latency(ratio, ratio * math.exp(-share), ratio * math.exp(share), **context)
