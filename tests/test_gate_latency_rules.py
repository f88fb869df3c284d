"""Rules about the ratio of latencies, on figures made up for them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertslim.errors import InputError
from bertslim.gate.latency_rules import MaxLatency, MaxLatencyRatio, MaxRegression
from bertslim.records import Measurement
from support.latencies import give_or_take, latency


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [
        (0.70, 0.79, "pass"),
        (0.70, 0.80, "pass"),
        (0.75, 0.801, "inconclusive"),
        (0.80, 0.85, "inconclusive"),
        (0.801, 0.85, "fail"),
    ],
)
def test_a_bound_is_kept_or_broken_by_the_whole_interval(
    low: float, high: float, outcome: str
) -> None:
    verdict = MaxLatencyRatio(0.8).judge(latency((low + high) / 2, low, high), None)

    assert verdict.outcome == outcome
    assert verdict.interval
    assert (verdict.interval.low, verdict.interval.high, verdict.bound) == (low, high, 0.8)


def test_the_sentence_on_a_failed_bound_is_plain() -> None:
    verdict = MaxLatencyRatio(0.9).judge(latency(1.02, 1.01, 1.03, batch=8), None)

    assert verdict.sentence == (
        "at 8x128 the slim model takes 1.020 of the base's time (95 % interval 1.010 to 1.030), "
        "--max-latency-ratio 0.9 allows 0.900"
    )


def test_a_regression_is_measured_from_the_record() -> None:
    exact = latency(0.5)
    rule = MaxRegression(10)

    assert rule.judge(latency(0.54, 0.53, 0.549), exact).outcome == "pass"
    assert rule.judge(latency(0.55, 0.54, 0.56), exact).outcome == "inconclusive"
    failed = rule.judge(latency(0.57, 0.56, 0.58), exact)
    assert failed.outcome == "fail"
    assert failed.bound == pytest.approx(0.55)
    assert failed.sentence == (
        "at 1x128 the slim model takes 0.570 of the base's time (95 % interval 0.560 to 0.580), "
        "the record has 0.500 and --max-regression 10% allows 0.550"
    )


def test_with_an_exact_record_the_interval_is_that_of_this_run() -> None:
    verdict = MaxRegression(5).judge(latency(0.57, 0.56, 0.59), latency(0.5))

    assert verdict.interval
    assert verdict.interval.low == pytest.approx(0.56)
    assert verdict.interval.high == pytest.approx(0.59)


def test_equal_uncertainties_of_run_and_record_add_up_as_squares() -> None:
    verdict = MaxRegression(5).judge(give_or_take(0.8, 0.03), give_or_take(0.8, 0.04))

    assert verdict.interval
    assert verdict.interval.low == pytest.approx(0.8 * math.exp(-0.05))
    assert verdict.interval.high == pytest.approx(0.8 * math.exp(0.05))


def test_a_record_too_high_on_one_side_widens_only_the_other() -> None:
    record = latency(0.8, 0.8, 0.9)

    verdict = MaxRegression(5).judge(latency(0.8), record)

    assert verdict.interval
    assert verdict.interval.low == pytest.approx(0.8 * 0.8 / 0.9)
    assert verdict.interval.high == pytest.approx(0.8)


def test_a_lucky_record_does_not_fail_a_good_model() -> None:
    """The true ratio is 0.80; the record has 0.75, within its interval; 5 % allow 0.7875."""
    record, now = give_or_take(0.75, 0.08), give_or_take(0.80, 0.001)

    verdict = MaxRegression(5).judge(now, record)

    assert now.interval
    assert now.interval.low > verdict.bound, "beyond the bound by itself"
    assert verdict.outcome == "inconclusive"
    assert "the record itself is not sure enough" in verdict.remedy


def test_an_unsure_run_is_told_to_measure_longer() -> None:
    verdict = MaxRegression(5).judge(give_or_take(0.78, 0.09), give_or_take(0.78, 0.01))

    assert verdict.outcome == "inconclusive"
    assert verdict.remedy == "allow more --minutes"


def test_the_interval_of_the_quotient_holds_the_truth_as_often_as_it_says() -> None:
    draw = np.random.default_rng(0)
    truth, spread, runs = 1.03, (0.02, 0.01), 4000
    held = 0
    for then, now in draw.normal(0, spread, size=(runs, 2)):
        record = give_or_take(0.8 * math.exp(then), 1.96 * spread[0])
        measured = give_or_take(0.8 * truth * math.exp(now), 1.96 * spread[1])
        assert record.ratio is not None
        found = MaxRegression(5).judge(measured, record).interval
        assert found
        held += found.low <= record.ratio * truth <= found.high
    assert held / runs == pytest.approx(0.95, abs=0.012)


@given(
    ratio=st.floats(0.05, 5),
    below=st.floats(0, 0.5),
    above=st.floats(0, 0.5),
    record=st.floats(0.05, 5),
    unsure=st.floats(0, 0.3),
    percent=st.floats(0, 100),
)
def test_what_fails_or_passes_beside_an_unsure_record_does_so_beside_an_exact_one(
    ratio: float, below: float, above: float, record: float, unsure: float, percent: float
) -> None:
    now = latency(ratio, ratio * math.exp(-below), ratio * math.exp(above))
    rule = MaxRegression(percent)

    exact = rule.judge(now, give_or_take(record, 1e-9)).outcome
    careful = rule.judge(now, give_or_take(record, 1e-6 + unsure)).outcome

    assert careful in (exact, "inconclusive")


@pytest.mark.parametrize("bound", [0.0, -1.0, math.nan, math.inf])
def test_a_bound_that_says_nothing_is_refused(bound: float) -> None:
    with pytest.raises(InputError, match="--max-latency-ratio: must be a number above 0"):
        MaxLatencyRatio(bound)


@pytest.mark.parametrize("percent", [-1.0, math.nan, math.inf])
def test_a_margin_that_says_nothing_is_refused(percent: float) -> None:
    with pytest.raises(InputError, match="--max-regression: must be 0% or more"):
        MaxRegression(percent)


def test_without_a_record_of_the_shape_there_is_nothing_to_compare_with() -> None:
    verdict = MaxRegression(5).judge(latency(0.8), None)

    assert (verdict.outcome, verdict.found, verdict.bound) == ("inconclusive", None, None)
    assert verdict.sentence == (
        "--max-regression 5%: no baseline, the record holds no latency at 1x128"
    )
    assert "`bertslim cut` without --no-measure makes one" in verdict.remedy


def in_ms(slim: float, low: float, high: float) -> Measurement:
    """A latency of 20 ms for the base, whose ratio has this interval."""
    return latency(slim / 20, low, high).model_copy(update={"base": 20.0, "slim": slim})


@pytest.mark.parametrize(
    ("bound", "outcome"), [(10.6, "pass"), (10.4, "inconclusive"), (9.4, "fail")]
)
def test_a_time_is_as_sure_as_the_ratio(bound: float, outcome: str) -> None:
    verdict = MaxLatency(bound).judge(in_ms(10.0, 0.475, 0.525), in_ms(9.0, 0.4, 0.5))

    assert (verdict.outcome, verdict.recorded, verdict.unit) == (outcome, 9.0, "ms")
    assert verdict.interval
    assert verdict.interval.low == pytest.approx(9.5)
    assert verdict.interval.high == pytest.approx(10.5)


def test_the_sentence_on_a_time_that_is_too_long_is_plain() -> None:
    verdict = MaxLatency.parse("9ms").judge(in_ms(10.0, 0.475, 0.525), None)

    assert verdict.sentence == (
        "at 1x128 the slim model takes 10.00 ms (95 % interval 9.50 to 10.50), "
        "--max-latency 9ms allows 9.00"
    )


def test_on_another_machine_a_time_cannot_be_told() -> None:
    verdict = MaxLatency(9).on_another_machine(("the record was measured on A, this is B",))

    assert (verdict.outcome, verdict.found, verdict.bound) == ("inconclusive", None, 9)
    assert verdict.sentence == (
        "--max-latency 9ms: another machine, the record was measured on A, this is B"
    )
    assert "--max-latency-ratio" in verdict.remedy


@pytest.mark.parametrize("text", ["0", "-3ms"])
def test_a_time_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--max-latency: must be a time above 0"):
        MaxLatency.parse(text)


def test_a_time_is_read_in_seconds_too() -> None:
    assert str(MaxLatency.parse("0.5s")) == "--max-latency 500ms"
    with pytest.raises(InputError, match="'12min' is not a time; such as 12ms"):
        MaxLatency.parse("12min")
