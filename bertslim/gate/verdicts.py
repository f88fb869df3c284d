"""The verdict of one rule on one figure.

A rule compares intervals, not figures: the whole interval within the bound is a pass, the whole
interval beyond it a failure, and anything else is inconclusive. Sizes are exact, and have no
interval.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal, Protocol, Self

from bertslim.records import Frozen, Interval, Measurement

Figure = Literal["parameters", "bytes", "accuracy", "latency"]
Outcome = Literal["pass", "fail", "inconclusive"]
VerdictUnit = Literal["parameters", "bytes", "points", "ratio", "ms"]


class Verdict(Frozen):
    """The verdict of one rule on one figure.

    Attributes:
        rule: The rule as it is written on the command line.
        subject: What the figure is of, such as "1x128" or "parameters".
        recorded: The figure of the record, if known.
        found: The figure of this run; None where there is no figure.
        unit: Of all the figures; "ratio" is slim / base, "points" are hundredths.
        interval: The interval that is compared with the bound; None for exact figures.
        bound: The most that the rule allows; None if it depends on a missing figure.
        sentence: The verdict in words.
        remedy: How to make an inconclusive rule decide.
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
    """A bound for one kind of figure.

    Attributes:
        figure: The first word of the names of the measurements that it judges.
    """

    figure: ClassVar[Figure]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the bound as it is written on the command line.

        Raises:
            InputError: It cannot be read, or allows everything.
        """
        ...

    def judge(self, now: Measurement, before: Measurement | None) -> Verdict:
        """Judge a figure.

        Args:
            now: Of this run, with its interval.
            before: The same measurement in the record.
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
        subject: The figure that it would judge.
        unit: Of the bound.
        why: The reason.
        remedy: How to make the rule decide.
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
