"""One figure of two models, with its interval and context."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field

from bertslim.errors import InputError
from bertslim.records.frozen import Frozen, Scalar
from bertslim.records.units import METRICS, Metric, metric_named


class Interval(Frozen):
    """A confidence interval, and the quantity that it is for."""

    of: Literal["ratio", "difference", "slim"]
    low: float
    high: float
    level: float = 0.95


class Measurement(Frozen):
    """One figure, of the base and of the slim model, with its context.

    Attributes:
        name: Such as "latency" or "accuracy.macro_f1".
        unit: Such as "ms", "bytes" or "share".
        ratio: slim / base, where that has a meaning.
        interval: The confidence interval of the comparison.
        context: Runtime, dtype, batch, length, threads, data set, split, n …
    """

    name: str
    unit: str
    base: float | None = None
    slim: float | None = None
    ratio: float | None = None
    interval: Interval | None = None
    context: dict[str, Scalar] = Field(default_factory=dict)

    @property
    def metric(self) -> Metric:
        """The row of its name in the table of metrics."""
        return metric_named(self.name, self.unit)


def unusable_figure(what: str) -> InputError:
    """Return the error for a figure that was measured and is no finite number."""
    return InputError(what, remedy="its weights or outputs hold NaN or infinity, or too large ones")


def compare(
    name: str,
    base: float | None,
    slim: float | None,
    *,
    interval: Interval | None = None,
    **context: Scalar,
) -> Measurement:
    """Make a measurement whose ratio is slim / base.

    Raises:
        KeyError: The name has no row in METRICS.
        InputError: A figure is no finite number.
    """
    for model, value in (("base", base), ("slim model", slim)):
        if value is not None and not math.isfinite(value):
            raise unusable_figure(f"the {METRICS[name].words} of the {model} is {value}")
    return Measurement(
        name=name,
        unit=METRICS[name].unit.name,
        base=base,
        slim=slim,
        ratio=slim / base if base and slim is not None else None,
        interval=interval,
        context=context,
    )
