"""Rules that the latency of a slim model passes, fails or leaves open. Nothing is measured here.

A rule compares intervals, not figures: the whole 95 % interval within the bound is a pass, the
whole interval beyond it a failure, and anything else is undecided, so that one measures on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

from bertslim.errors import CannotTell, InputError, RegressionFound
from bertslim.records import Frozen, Interval, Measurement

Outcome = Literal["pass", "fail", "undecided"]


class Verdict(Frozen):
    """What one rule says of one shape. All figures are ratios of latency, slim / base.

    Attributes:
        rule: The rule as it is written on the command line.
        shape: Batch x length.
        recorded: The record's ratio, where the rule compares with it.
        ratio: This run's ratio.
        interval: What was compared with the bound.
        bound: The largest ratio that the rule allows.
        sentence: The verdict in words.
        remedy: What makes an undecided rule decide.
    """

    rule: str
    shape: str
    recorded: float | None = None
    ratio: float
    interval: Interval
    bound: float
    outcome: Outcome
    sentence: str
    remedy: str = ""


class Rule(Protocol):
    """What a latency must fulfil at every shape that is measured."""

    needs_baseline: ClassVar[bool]

    def judge(self, now: Measurement, before: Measurement | None) -> Verdict:
        """Judge a latency.

        Args:
            now: Of this run, with the interval of its ratio.
            before: Of the record, at the same shape.
        """
        ...


@dataclass(frozen=True)
class MaxLatencyRatio:
    """The slim model takes at most this share of the base's time."""

    bound: float
    needs_baseline: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not 0 < self.bound < math.inf:
            raise InputError("must be a number above 0", where="--max-latency-ratio")

    def __str__(self) -> str:
        return f"--max-latency-ratio {self.bound:g}"

    def judge(self, now: Measurement, before: Measurement | None) -> Verdict:
        """Compare this run's interval with the bound."""
        ratio, interval = _ratio(now), _interval(now)
        return Verdict(
            rule=str(self),
            shape=_shape(now),
            ratio=ratio,
            interval=interval,
            bound=self.bound,
            outcome=_outcome(interval, self.bound),
            sentence=f"{_told(now, ratio, interval)}, {self} allows {self.bound:.3f}",
            remedy="allow more --minutes",
        )


@dataclass(frozen=True)
class MaxRegression:
    """The ratio slim / base is at most so many per cent above the one in the record.

    The record's ratio was measured too, so it has an interval of its own. To compare with the bare
    figure would fail a good model for ever whose record had been lucky, however long one measures.
    So the rule judges the interval of the quotient ratio_now / ratio_record, in which both count.
    The logarithms of the two are independent; the limits of their difference come from their own by
    the method of variance estimates recovery (Zou and Donner 2008, Statistics in Medicine 27):

        log low  = log(now / record) - sqrt(log(now / now_low)^2 + log(record_high / record)^2)
        log high = log(now / record) + sqrt(log(now_high / now)^2 + log(record / record_low)^2)

    A verdict gives the quotient times the record's ratio, which is a ratio again. A record whose
    own interval is wider than the margin can leave the rule undecided for good, and the remedy says
    so. What differs between two runs but not within one (such as another CPU) is in neither
    interval: the margin has to cover it.
    """

    percent: float
    needs_baseline: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 0 <= self.percent < math.inf:
            raise InputError("must be 0% or more", where="--max-regression")

    def __str__(self) -> str:
        return f"--max-regression {self.percent:g}%"

    def judge(self, now: Measurement, before: Measurement | None) -> Verdict:
        """Compare the interval of the quotient with the margin.

        Raises:
            CannotTell: The record holds no ratio to compare with.
        """
        if before is None:
            raise CannotTell(f"no baseline for {_shape(now)}", where=str(self))
        ratio, recorded = _ratio(now), _ratio(before)
        bound = recorded * (1 + self.percent / 100)
        both = _interval_beside(_interval(now), ratio, before)
        return Verdict(
            rule=str(self),
            shape=_shape(now),
            recorded=recorded,
            ratio=ratio,
            interval=both,
            bound=bound,
            outcome=_outcome(both, bound),
            sentence=f"{_told(now, ratio, both)}, the record says {recorded:.3f} and {self} "
            f"allows {bound:.3f}",
            remedy=self._remedy(ratio, before, bound),
        )

    def _remedy(self, ratio: float, before: Measurement, bound: float) -> str:
        exact = Interval(of="ratio", low=ratio, high=ratio)
        if _outcome(_interval_beside(exact, ratio, before), bound) == "undecided":
            return "the record itself is not sure enough, cut again with more --seconds"
        return "allow more --minutes"


class Judgement(Frozen):
    """What all rules say of all shapes."""

    verdicts: tuple[Verdict, ...]

    @property
    def outcome(self) -> Outcome:
        """Fail if a single verdict does, else undecided if one is."""
        outcomes = {verdict.outcome for verdict in self.verdicts}
        if "fail" in outcomes:
            return "fail"
        return "undecided" if "undecided" in outcomes else "pass"

    def enforce(self) -> None:
        """Do nothing if all rules are passed.

        Raises:
            RegressionFound: A rule is failed; a clause for each, about its worst shape.
            CannotTell: None is failed, and one is undecided.
        """
        if self.outcome == "fail":
            raise RegressionFound("; ".join(one.sentence for one in self._worst("fail")))
        if self.outcome == "undecided":
            (first, *_) = self._worst("undecided")
            raise CannotTell(f"inconclusive: {first.sentence}", remedy=first.remedy)

    def _worst(self, outcome: Outcome) -> list[Verdict]:
        """The verdict furthest from the bound of each rule that has such verdicts."""
        worst: dict[str, Verdict] = {}
        found = (verdict for verdict in self.verdicts if verdict.outcome == outcome)
        for verdict in sorted(found, key=lambda one: one.ratio / one.bound, reverse=True):
            worst.setdefault(verdict.rule, verdict)
        return list(worst.values())


def judge(
    rules: Iterable[Rule], latencies: Sequence[Measurement], baseline: Sequence[Measurement]
) -> Judgement:
    """Judge latencies by every rule.

    Args:
        rules: All have to be passed.
        latencies: Of this run, one a shape.
        baseline: Latencies of the record.
    """
    return Judgement(
        verdicts=tuple(
            rule.judge(now, find_baseline(now, baseline)) for rule in rules for now in latencies
        )
    )


def find_baseline(now: Measurement, baseline: Sequence[Measurement]) -> Measurement | None:
    """Return the usable latency of the record at the same runtime, batch and length."""
    keys = ("runtime", "batch", "length")
    same = (one for one in baseline if all(one.context.get(k) == now.context.get(k) for k in keys))
    return next((one for one in same if _is_usable(one)), None)


def _is_usable(measurement: Measurement) -> bool:
    interval = measurement.interval
    positive = interval is None or interval.of != "ratio" or 0 < interval.low <= interval.high
    return measurement.ratio is not None and measurement.ratio > 0 and positive


def _interval_beside(interval: Interval, ratio: float, before: Measurement) -> Interval:
    """The interval of ratio / recorded ratio, times the recorded ratio."""
    recorded, beside = _ratio(before), _interval(before)
    below = math.hypot(math.log(ratio / interval.low), math.log(beside.high / recorded))
    above = math.hypot(math.log(interval.high / ratio), math.log(recorded / beside.low))
    return Interval(of="ratio", low=ratio * math.exp(-below), high=ratio * math.exp(above))


def _outcome(interval: Interval, bound: float) -> Outcome:
    if interval.high <= bound:
        return "pass"
    return "fail" if interval.low > bound else "undecided"


def _ratio(measurement: Measurement) -> float:
    assert measurement.ratio is not None  # noqa: S101
    return measurement.ratio


def _interval(measurement: Measurement) -> Interval:
    """Of the ratio; where there is none, the ratio counts as exact."""
    ratio, found = _ratio(measurement), measurement.interval
    if found is None or found.of != "ratio":
        return Interval(of="ratio", low=ratio, high=ratio)
    return found


def _shape(measurement: Measurement) -> str:
    return f"{measurement.context['batch']}x{measurement.context['length']}"


def _told(now: Measurement, ratio: float, interval: Interval) -> str:
    return (
        f"at {_shape(now)} the slim model takes {ratio:.3f} of the base's time "
        f"(95 % interval {interval.low:.3f} to {interval.high:.3f})"
    )
