"""Rules about the slim model's time: beside the base's, beside the record's, in milliseconds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Self

from bertslim.errors import InputError
from bertslim.gate.amounts import MILLISECONDS, PERCENT, RATIO, read_amount
from bertslim.gate.verdicts import Figure, Verdict, outcome_of, unanswered
from bertslim.records import Interval, Measurement

MEASURE_ON = "allow more --minutes"


@dataclass(frozen=True)
class MaxLatencyRatio:
    """The slim model takes at most this share of the base's time."""

    bound: float
    figure: ClassVar[Figure] = "latency"

    def __post_init__(self) -> None:
        if not 0 < self.bound < math.inf:
            raise InputError("must be a number above 0", where="--max-latency-ratio")

    def __str__(self) -> str:
        return f"--max-latency-ratio {self.bound:g}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a ratio such as 0.8.

        Raises:
            InputError: It is none.
        """
        option, what = "--max-latency-ratio", "a ratio"
        return cls(read_amount(text, RATIO, option=option, what=what, example="0.8"))

    def judge(self, now: Measurement, before: Measurement | None) -> Verdict:
        """Compare this run's interval with the bound."""
        ratio, interval = _ratio(now), _interval(now)
        return Verdict(
            rule=str(self),
            subject=_shape(now),
            found=ratio,
            unit="ratio",
            interval=interval,
            bound=self.bound,
            outcome=outcome_of(interval, self.bound),
            sentence=f"{_sentence(now, ratio, interval)}, {self} allows {self.bound:.3f}",
            remedy=MEASURE_ON,
        )


@dataclass(frozen=True)
class MaxRegression:
    """The ratio slim / base is at most so many per cent above the one in the record.

    The record's ratio was measured too, so it has an interval of its own. Comparison with
    the bare figure would always fail a good model whose record is too low by chance.
    So the rule judges the interval of the quotient ratio_now / ratio_record, in which both count.
    The logarithms of the two are independent; the limits of their difference come from their own by
    the method of variance estimates recovery (Zou and Donner 2008, Statistics in Medicine 27):

        log low  = log(now / record) - sqrt(log(now / now_low)^2 + log(record_high / record)^2)
        log high = log(now / record) + sqrt(log(now_high / now)^2 + log(record / record_low)^2)

    A verdict gives the quotient times the record's ratio, which is a ratio again. A record whose
    own interval is wider than the margin can leave the rule inconclusive for good, and the remedy
    names it. What differs between two runs but not within one (such as another CPU) is in neither
    interval: the margin has to cover it.
    """

    percent: float
    figure: ClassVar[Figure] = "latency"

    def __post_init__(self) -> None:
        if not 0 <= self.percent < math.inf:
            raise InputError("must be 0% or more", where="--max-regression")

    def __str__(self) -> str:
        return f"--max-regression {self.percent:g}%"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a percentage such as 5%.

        Raises:
            InputError: It is none.
        """
        option, what = "--max-regression", "a percentage"
        return cls(read_amount(text, PERCENT, option=option, what=what, example="5%"))

    def judge(self, now: Measurement, before: Measurement | None) -> Verdict:
        """Compare the interval of the quotient with the margin."""
        if before is None:
            return self.without_baseline(_shape(now))
        ratio, recorded = _ratio(now), _ratio(before)
        bound = recorded * (1 + self.percent / 100)
        both = _interval_beside(_interval(now), ratio, before)
        return Verdict(
            rule=str(self),
            subject=_shape(now),
            recorded=recorded,
            found=ratio,
            unit="ratio",
            interval=both,
            bound=bound,
            outcome=outcome_of(both, bound),
            sentence=f"{_sentence(now, ratio, both)}, the record has {recorded:.3f} and {self} "
            f"allows {bound:.3f}",
            remedy=self._remedy(ratio, before, bound),
        )

    def without_baseline(self, shape: str) -> Verdict:
        """Make the verdict where the record holds no latency to compare with."""
        why = f"no baseline, the record holds no latency at {shape}"
        remedy = "`bertslim cut` without --no-measure makes one, or give --max-latency-ratio"
        return unanswered(self, shape, "ratio", why, remedy=remedy)

    def _remedy(self, ratio: float, before: Measurement, bound: float) -> str:
        exact = Interval(of="ratio", low=ratio, high=ratio)
        if outcome_of(_interval_beside(exact, ratio, before), bound) == "inconclusive":
            return "the record itself is not sure enough, cut again with more --seconds"
        return MEASURE_ON


@dataclass(frozen=True)
class MaxLatency:
    """The slim model's median call takes at most so many milliseconds.

    It is meaningful only on the machine of the record. Its interval is, as a share, that of the
    ratio slim / base: both come from the same rounds. What slows both models alike, such as a
    hotter CPU, is not in it.
    """

    milliseconds: float
    figure: ClassVar[Figure] = "latency"

    def __post_init__(self) -> None:
        if not 0 < self.milliseconds < math.inf:
            raise InputError("must be a time above 0", where="--max-latency")

    def __str__(self) -> str:
        return f"--max-latency {self.milliseconds:g}ms"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a time such as 12ms.

        Raises:
            InputError: It is none.
        """
        option, what = "--max-latency", "a time"
        return cls(read_amount(text, MILLISECONDS, option=option, what=what, example="12ms"))

    def judge(self, now: Measurement, before: Measurement | None) -> Verdict:
        """Compare the interval of the slim model's time with the bound."""
        assert now.slim is not None  # noqa: S101
        ratio, of_ratio = _ratio(now), _interval(now)
        low, high = (now.slim * limit / ratio for limit in (of_ratio.low, of_ratio.high))
        interval = Interval(of="slim", low=low, high=high, level=of_ratio.level)
        return Verdict(
            rule=str(self),
            subject=_shape(now),
            recorded=before.slim if before else None,
            found=now.slim,
            unit="ms",
            interval=interval,
            bound=self.milliseconds,
            outcome=outcome_of(interval, self.milliseconds),
            sentence=f"at {_shape(now)} the slim model takes {now.slim:.2f} ms "
            f"({_percent(interval)} interval {low:.2f} to {high:.2f}), "
            f"{self} allows {self.milliseconds:.2f}",
            remedy=MEASURE_ON,
        )

    def on_another_machine(self, differences: tuple[str, ...]) -> Verdict:
        """Make the verdict where times cannot be compared with those of the record."""
        return unanswered(
            self,
            "latency",
            "ms",
            f"another machine, {', and '.join(differences)}",
            remedy="check on a machine like the record's, cut again here, or give "
            "--max-latency-ratio",
            bound=self.milliseconds,
        )


def _interval_beside(interval: Interval, ratio: float, before: Measurement) -> Interval:
    """The interval of ratio / recorded ratio, times the recorded ratio."""
    recorded, beside = _ratio(before), _interval(before)
    below = math.hypot(math.log(ratio / interval.low), math.log(beside.high / recorded))
    above = math.hypot(math.log(interval.high / ratio), math.log(recorded / beside.low))
    low, high = ratio * math.exp(-below), ratio * math.exp(above)
    return interval.model_copy(update={"low": low, "high": high})


def _ratio(measurement: Measurement) -> float:
    assert measurement.ratio is not None  # noqa: S101
    return measurement.ratio


def _interval(measurement: Measurement) -> Interval:
    """Of the ratio; where there is none, the ratio counts as exact."""
    ratio, interval = _ratio(measurement), measurement.interval
    if interval is None or interval.of != "ratio":
        return Interval(of="ratio", low=ratio, high=ratio)
    return interval


def _percent(interval: Interval) -> str:
    return f"{100 * interval.level:.0f} %"


def _shape(measurement: Measurement) -> str:
    return f"{measurement.context['batch']}x{measurement.context['length']}"


def _sentence(now: Measurement, ratio: float, interval: Interval) -> str:
    return (
        f"at {_shape(now)} the slim model takes {ratio:.3f} of the base's time "
        f"({_percent(interval)} interval {interval.low:.3f} to {interval.high:.3f})"
    )
