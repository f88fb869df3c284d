"""What one rule says of one figure.

A rule compares intervals, not figures: the whole 95 % interval within the bound is a pass, the
whole interval beyond it a failure, and anything else is inconclusive, so that one measures on.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal, Protocol

from bertslim.records import Frozen, Interval, Measurement

Outcome = Literal["pass", "fail", "inconclusive"]
Unit = Literal["ratio"]


class Verdict(Frozen):
    """What one rule says of one figure.

    Attributes:
        rule: The rule as it is written on the command line.
        subject: What the figure is of, such as "1x128".
        recorded: What the record says, where that is known.
        found: What this run found.
        unit: Of all the figures; "ratio" is slim / base.
        interval: What was compared with the bound, where the figure is not exact.
        bound: The most that the rule allows.
        sentence: The verdict in words.
        remedy: What makes an inconclusive rule decide.
    """

    rule: str
    subject: str
    recorded: float | None = None
    found: float
    unit: Unit
    interval: Interval | None = None
    bound: float
    outcome: Outcome
    sentence: str
    remedy: str = ""

    @property
    def excess(self) -> float:
        """How far the figure is from the bound: figure / bound."""
        return self.found / self.bound if self.bound else math.inf


class Rule(Protocol):
    """What a figure must fulfil, wherever it is measured.

    Attributes:
        needs_baseline: Whether it compares with the record.
    """

    needs_baseline: ClassVar[bool]

    def judge(self, now: Measurement, before: Measurement | None) -> Verdict:
        """Judge a figure.

        Args:
            now: Of this run, with its interval.
            before: Of the record, of the same thing.
        """
        ...


def outcome_of(interval: Interval, bound: float) -> Outcome:
    """Compare an interval with the most that is allowed."""
    if interval.high <= bound:
        return "pass"
    return "fail" if interval.low > bound else "inconclusive"
