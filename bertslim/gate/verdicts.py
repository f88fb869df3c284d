"""What one rule says of one figure.

A rule compares intervals, not figures: the whole interval within the bound is a pass, the whole
interval beyond it a failure, and anything else is inconclusive. Sizes are exact, and have no
interval.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal, Protocol

from bertslim.records import Frozen, Interval, Measurement

Figure = Literal["parameters", "bytes", "accuracy", "latency"]
Outcome = Literal["pass", "fail", "inconclusive"]
VerdictUnit = Literal["parameters", "bytes", "points", "ratio", "ms"]


class Verdict(Frozen):
    """What one rule says of one figure.

    Attributes:
        rule: The rule as it is written on the command line.
        subject: What the figure is of, such as "1x128" or "parameters".
        recorded: What the record says, where that is known.
        found: What this run found; None where there was nothing to judge.
        unit: Of all the figures; "ratio" is slim / base, "points" are hundredths.
        interval: What was compared with the bound, where the figure is not exact.
        bound: The most that the rule allows; None where that depends on what the record lacks.
        sentence: The verdict in words.
        remedy: What makes an inconclusive rule decide.
    """

    rule: str
    subject: str
    recorded: float | None = None
    found: float | None = None
    unit: VerdictUnit
    interval: Interval | None = None
    bound: float | None = None
    outcome: Outcome
    sentence: str
    remedy: str = ""

    @property
    def excess(self) -> float:
        """How far the figure is from the bound: figure / bound; 0 where nothing was judged."""
        if self.found is None or self.bound is None:
            return 0.0
        return self.found / self.bound if self.bound else math.inf


class Rule(Protocol):
    """What a figure must fulfil, wherever it is measured.

    Attributes:
        figure: What it judges: the first word of a measurement's name.
    """

    figure: ClassVar[Figure]

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


def unanswered(
    rule: Rule,
    subject: str,
    unit: VerdictUnit,
    why: str,
    *,
    remedy: str,
    bound: float | None = None,
) -> Verdict:
    """Make the verdict of a rule that has nothing to judge.

    Args:
        rule: Which one.
        subject: What it would judge.
        unit: Of the bound.
        why: What is lacking.
        remedy: What the reader can do about it.
        bound: The most that the rule allows.
    """
    return Verdict(
        rule=str(rule),
        subject=subject,
        unit=unit,
        bound=bound,
        outcome="inconclusive",
        sentence=f"{rule}: {why}",
        remedy=remedy,
    )
