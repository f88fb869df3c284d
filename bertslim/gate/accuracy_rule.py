"""The rule about how much accuracy the slim model loses against its base."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Self

from bertslim.errors import InputError
from bertslim.gate.amounts import POINTS, read_amount
from bertslim.gate.verdicts import Figure, Verdict, outcome_of, unanswered
from bertslim.records import Interval, Measurement
from bertslim.records.units import SCORE_PREFIX
from bertslim.wording import counted

_OPTION = "--max-accuracy-drop"


def main_metric(measurements: Iterable[Measurement]) -> Measurement | None:
    """Return the first metric of the task, its main one."""
    scores = (score for score in measurements if score.name.startswith(SCORE_PREFIX))
    return next(scores, None)


@dataclass(frozen=True)
class MaxAccuracyDrop:
    """The main metric of the task is at most so many points below the base's.

    A point is a hundredth: from 91.2 % to 90.7 %, or from a correlation of 0.912 to 0.907, it is
    half a point. Both models answered the same rows, so the interval is that of a paired
    difference.
    """

    bound: float
    figure: ClassVar[Figure] = "accuracy"

    def __post_init__(self) -> None:
        if not 0 <= self.bound < math.inf:
            raise InputError("must be 0 points or more", where=_OPTION)

    def __str__(self) -> str:
        return f"{_OPTION} {self.bound:g}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a number of points such as 0.5.

        Raises:
            InputError: It is none.
        """
        what = "a number of points"
        return cls(read_amount(text, POINTS, option=_OPTION, what=what, example="0.5"))

    def judge(self, now: Measurement, before: Measurement | None) -> Verdict:
        """Compare the interval of the drop with the bound."""
        name, interval = _name(now), _drop_interval(now)
        if not now.metric.rises_to_one:
            return self.unanswered(f"{name} is not measured in points", "leave the rule out")
        drop = _drop(now)
        if drop is None or interval is None:
            why = f"{name} was not compared with the base's"
            return self.unanswered(why, "give rows whose labels the base predicts, with --data")
        rows = now.context.get("n")
        on = f" on {counted(int(rows), 'row', 'rows')}" if rows else ""
        return Verdict(
            rule=str(self),
            subject=name,
            recorded=_drop(before) if before else None,
            found=drop,
            unit="points",
            interval=interval,
            bound=self.bound,
            outcome=outcome_of(interval, self.bound),
            sentence=f"{name}{on} {'rises' if drop < 0 else 'drops'} by {abs(drop):.2f} points "
            f"(95 % interval of the drop {interval.low:.2f} to {interval.high:.2f}), "
            f"{self} allows {self.bound:.2f}",
            remedy="measure on more rows, with --data or --eval-data",
        )

    def unanswered(self, why: str, remedy: str) -> Verdict:
        """Make the verdict for a missing accuracy."""
        return unanswered(self, "accuracy", "points", why, remedy=remedy, bound=self.bound)


def _name(measurement: Measurement) -> str:
    return measurement.name.partition(".")[2].replace("_", " ")


def _drop(measurement: Measurement) -> float | None:
    if measurement.base is None or measurement.slim is None:
        return None
    return _points(measurement.base - measurement.slim)


def _drop_interval(measurement: Measurement) -> Interval | None:
    """The interval of slim - base, as one of base - slim in points."""
    interval = measurement.interval
    if interval is None or interval.of != "difference":
        return None
    return Interval(of="difference", low=_points(-interval.high), high=_points(-interval.low))


def _points(difference: float) -> float:
    return 100 * difference + 0.0  # no -0
