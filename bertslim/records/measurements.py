"""One figure of two models, how sure it is and what was held fixed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bertslim.records.frozen import Frozen, Scalar


class Interval(Frozen):
    """An interval of confidence, and what it is the interval of."""

    of: Literal["ratio", "difference", "slim"]
    low: float
    high: float
    level: float = 0.95


class Measurement(Frozen):
    """One figure, of the base and of the slim model, with all that was held fixed.

    Attributes:
        name: Such as "latency" or "accuracy.macro_f1".
        unit: Such as "ms", "bytes" or "share".
        ratio: slim / base, where that has a meaning.
        interval: How sure the comparison is.
        context: Runtime, dtype, batch, length, threads, data set, split, n …
    """

    name: str
    unit: str
    base: float | None = None
    slim: float | None = None
    ratio: float | None = None
    interval: Interval | None = None
    context: dict[str, Scalar] = Field(default_factory=dict)


def compare(
    name: str,
    unit: str,
    base: float | None,
    slim: float | None,
    *,
    interval: Interval | None = None,
    **context: Scalar,
) -> Measurement:
    """Make a measurement whose ratio is slim / base."""
    ratio = slim / base if base and slim is not None else None
    return Measurement(
        name=name, unit=unit, base=base, slim=slim, ratio=ratio, interval=interval, context=context
    )
