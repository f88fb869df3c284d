"""The rule about accuracy, on figures made up for it."""

from __future__ import annotations

import math

import pytest

from bertslim.errors import InputError
from bertslim.gate.accuracy_rule import MaxAccuracyDrop, main_metric
from bertslim.records import Interval, Measurement, compare


def metric(
    base: float | None,
    slim: float,
    low: float,
    high: float,
    *,
    name: str = "accuracy.macro_f1",
    unit: str = "share",
    of: str = "difference",
) -> Measurement:
    interval = Interval.model_validate({"of": of, "low": low, "high": high})
    found = compare(name, base, slim, interval=interval, n=400)
    return found.model_copy(update={"unit": unit})


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [
        (-0.004, 0.010, "pass"),
        (-0.005, 0.010, "pass"),
        (-0.006, 0.010, "inconclusive"),
        (-0.020, -0.005, "inconclusive"),
        (-0.020, -0.006, "fail"),
    ],
)
def test_the_whole_interval_of_the_drop_decides(low: float, high: float, outcome: str) -> None:
    verdict = MaxAccuracyDrop(0.5).judge(metric(0.9, 0.9 + (low + high) / 2, low, high), None)

    assert verdict.outcome == outcome
    assert verdict.interval
    assert verdict.interval.low == pytest.approx(-100 * high)
    assert verdict.interval.high == pytest.approx(-100 * low)
    assert verdict.found == pytest.approx(-100 * (low + high) / 2)


def test_the_sentence_on_a_drop_is_plain() -> None:
    before = metric(0.91, 0.90, -0.02, 0.0)

    verdict = MaxAccuracyDrop(0.5).judge(metric(0.912, 0.895, -0.024, -0.01), before)

    assert verdict.sentence == (
        "macro f1 on 400 rows drops by 1.70 points (95 % interval of the drop 1.00 to 2.40), "
        "--max-accuracy-drop 0.5 allows 0.50"
    )
    assert (verdict.subject, verdict.unit) == ("macro f1", "points")
    assert verdict.recorded == pytest.approx(1.0)


def test_the_drop_of_a_correlation_is_in_points_too() -> None:
    found = metric(0.85, 0.84, -0.015, -0.006, name="accuracy.spearman", unit="correlation")
    assert MaxAccuracyDrop(0.5).judge(found, None).outcome == "fail"


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (metric(None, 0.9, 0.89, 0.91, of="slim"), "macro f1 was not compared with the base's"),
        (compare("accuracy.macro_f1", 0.9, 0.9), "was not compared"),
        (metric(3.0, 4.0, 0.5, 1.5, unit="perplexity"), "macro f1 is not measured in points"),
    ],
)
def test_what_was_not_compared_cannot_be_told(found: Measurement, why: str) -> None:
    verdict = MaxAccuracyDrop(0.5).judge(found, None)

    assert (verdict.outcome, verdict.found, verdict.bound) == ("inconclusive", None, 0.5)
    assert why in verdict.sentence
    assert verdict.remedy


def test_nothing_may_be_lost_where_the_bound_is_0() -> None:
    assert MaxAccuracyDrop(0).judge(metric(0.9, 0.9, 0.0, 0.0), None).outcome == "pass"
    failed = MaxAccuracyDrop(0).judge(metric(0.9, 0.8, -0.2, -0.05), None)
    assert (failed.outcome, failed.excess) == ("fail", math.inf)


@pytest.mark.parametrize("bound", [-0.1, math.nan, math.inf])
def test_a_bound_that_says_nothing_is_refused(bound: float) -> None:
    with pytest.raises(InputError, match="--max-accuracy-drop: must be 0 points or more"):
        MaxAccuracyDrop(bound)


def test_a_percentage_is_not_a_number_of_points() -> None:
    with pytest.raises(InputError, match=r"'1%' is not a number of points; such as 0\.5"):
        MaxAccuracyDrop.parse("1%")


def test_the_main_metric_is_the_first_of_the_task() -> None:
    first, second = metric(0.9, 0.9, 0, 0), metric(0.8, 0.8, 0, 0, name="accuracy.mcc")
    others = [compare("bytes", 2, 1), compare("fidelity.kl", None, 0.1)]
    assert main_metric([*others, first, second]) is first
    assert main_metric(others) is None
