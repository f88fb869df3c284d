"""The rules of `bertslim check`, on figures made up for them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertslim.errors import CannotTell, InputError, RegressionFound
from bertslim.gate import MaxLatencyRatio, MaxRegression, find_baseline, judge
from bertslim.records import Interval, Measurement, Scalar


def latency(
    ratio: float | None,
    low: float | None = None,
    high: float | None = None,
    *,
    batch: int = 1,
    length: int = 128,
    **context: Scalar,
) -> Measurement:
    interval = None
    if low is not None and high is not None:
        interval = Interval(of="ratio", low=low, high=high)
    shape: dict[str, Scalar] = {"runtime": "torch", "batch": batch, "length": length}
    return Measurement(
        name="latency", unit="ms", ratio=ratio, interval=interval, context=shape | context
    )


def give_or_take(ratio: float, share: float, **context: int) -> Measurement:
    """A latency whose interval is symmetric in the logarithm."""
    return latency(ratio, ratio * math.exp(-share), ratio * math.exp(share), **context)


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [
        (0.70, 0.79, "pass"),
        (0.70, 0.80, "pass"),
        (0.75, 0.801, "undecided"),
        (0.80, 0.85, "undecided"),
        (0.801, 0.85, "fail"),
    ],
)
def test_a_bound_is_kept_or_broken_by_the_whole_interval(
    low: float, high: float, outcome: str
) -> None:
    verdict = MaxLatencyRatio(0.8).judge(latency((low + high) / 2, low, high), None)

    assert verdict.outcome == outcome
    assert (verdict.interval.low, verdict.interval.high, verdict.bound) == (low, high, 0.8)


def test_a_failed_bound_is_told_in_a_plain_sentence() -> None:
    verdict = MaxLatencyRatio(0.9).judge(latency(1.02, 1.01, 1.03, batch=8), None)

    assert verdict.sentence == (
        "at 8x128 the slim model takes 1.020 of the base's time (95 % interval 1.010 to 1.030), "
        "--max-latency-ratio 0.9 allows 0.900"
    )


def test_a_regression_is_measured_from_the_record() -> None:
    exact = latency(0.5)
    rule = MaxRegression(10)

    assert rule.judge(latency(0.54, 0.53, 0.549), exact).outcome == "pass"
    assert rule.judge(latency(0.55, 0.54, 0.56), exact).outcome == "undecided"
    failed = rule.judge(latency(0.57, 0.56, 0.58), exact)
    assert failed.outcome == "fail"
    assert failed.bound == pytest.approx(0.55)
    assert failed.sentence == (
        "at 1x128 the slim model takes 0.570 of the base's time (95 % interval 0.560 to 0.580), "
        "the record says 0.500 and --max-regression 10% allows 0.550"
    )


def test_with_an_exact_record_the_interval_is_that_of_this_run() -> None:
    verdict = MaxRegression(5).judge(latency(0.57, 0.56, 0.59), latency(0.5))

    assert verdict.interval.low == pytest.approx(0.56)
    assert verdict.interval.high == pytest.approx(0.59)


def test_equal_uncertainties_of_run_and_record_add_up_as_squares() -> None:
    verdict = MaxRegression(5).judge(give_or_take(0.8, 0.03), give_or_take(0.8, 0.04))

    assert verdict.interval.low == pytest.approx(0.8 * math.exp(-0.05))
    assert verdict.interval.high == pytest.approx(0.8 * math.exp(0.05))


def test_a_record_too_high_on_one_side_widens_only_the_other() -> None:
    record = latency(0.8, 0.8, 0.9)

    verdict = MaxRegression(5).judge(latency(0.8), record)

    assert verdict.interval.low == pytest.approx(0.8 * 0.8 / 0.9)
    assert verdict.interval.high == pytest.approx(0.8)


def test_a_lucky_record_does_not_fail_a_good_model() -> None:
    """The true ratio is 0.80; the record says 0.75, within its interval; 5 % allow 0.7875."""
    record, now = give_or_take(0.75, 0.08), give_or_take(0.80, 0.001)

    verdict = MaxRegression(5).judge(now, record)

    assert now.interval
    assert now.interval.low > verdict.bound, "beyond the bound by itself"
    assert verdict.outcome == "undecided"
    assert "the record itself is not sure enough" in verdict.remedy


def test_an_unsure_run_is_told_to_measure_longer() -> None:
    verdict = MaxRegression(5).judge(give_or_take(0.78, 0.09), give_or_take(0.78, 0.01))

    assert verdict.outcome == "undecided"
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

    assert careful in (exact, "undecided")


@pytest.mark.parametrize("bound", [0.0, -1.0, math.nan, math.inf])
def test_a_bound_that_says_nothing_is_refused(bound: float) -> None:
    with pytest.raises(InputError, match="--max-latency-ratio: must be a number above 0"):
        MaxLatencyRatio(bound)


@pytest.mark.parametrize("percent", [-1.0, math.nan, math.inf])
def test_a_margin_that_says_nothing_is_refused(percent: float) -> None:
    with pytest.raises(InputError, match="--max-regression: must be 0% or more"):
        MaxRegression(percent)


def test_without_a_record_of_the_shape_there_is_nothing_to_compare_with() -> None:
    with pytest.raises(CannotTell, match="no baseline for 1x128"):
        judge([MaxRegression(5)], [latency(0.8)], [latency(0.8, batch=8)])


def test_the_baseline_is_of_the_same_runtime_batch_and_length() -> None:
    same = latency(0.5, batch=8, length=32)
    others = [
        latency(0.1, batch=8, length=128),
        latency(0.2, batch=1, length=32),
        latency(0.3, batch=8, length=32, runtime="onnxruntime"),
    ]

    assert find_baseline(latency(0.6, batch=8, length=32), [*others, same]) is same


@pytest.mark.parametrize(
    "unusable", [latency(None), latency(0.0), latency(0.5, 0.0, 0.6), latency(0.5, 0.6, 0.4)]
)
def test_figures_that_cannot_be_are_no_baseline(unusable: Measurement) -> None:
    assert find_baseline(latency(0.5), [unusable]) is None


def test_all_is_passed_when_every_rule_is_at_every_shape() -> None:
    latencies = [latency(0.7, 0.69, 0.71), latency(0.8, 0.79, 0.81, batch=8)]

    judgement = judge([MaxLatencyRatio(0.9), MaxRegression(5)], latencies, latencies)

    assert [verdict.shape for verdict in judgement.verdicts] == ["1x128", "8x128"] * 2
    assert judgement.outcome == "pass"
    judgement.enforce()


def test_one_shape_beyond_the_bound_is_a_regression_whatever_else_is_undecided() -> None:
    latencies = [latency(0.9, 0.5, 1.5), latency(0.99, 0.98, 1.0, batch=8)]

    judgement = judge([MaxLatencyRatio(0.9)], latencies, [])

    assert judgement.outcome == "fail"
    with pytest.raises(RegressionFound, match="at 8x128") as raised:
        judgement.enforce()
    assert raised.value.exit_code == 3


def test_each_failed_rule_is_told_once_about_its_worst_shape() -> None:
    latencies = [
        latency(0.95, 0.94, 0.96),
        latency(0.99, 0.98, 1.0, batch=8),
        latency(0.97, 0.96, 0.98, batch=32),
    ]
    baseline = [latency(0.5), latency(0.9, batch=8), latency(0.9, batch=32)]

    with pytest.raises(RegressionFound) as raised:
        judge([MaxLatencyRatio(0.9), MaxRegression(5)], latencies, baseline).enforce()

    by_rule = str(raised.value).split("; ")
    assert len(by_rule) == 2
    assert any("at 1x128" in one and "--max-regression 5%" in one for one in by_rule)
    assert any("at 8x128" in one and "--max-latency-ratio 0.9" in one for one in by_rule)


def test_what_is_not_decided_cannot_be_told() -> None:
    latencies = [latency(0.7, 0.69, 0.71), latency(0.9, 0.85, 0.95, batch=8)]

    judgement = judge([MaxLatencyRatio(0.9)], latencies, [])

    assert judgement.outcome == "undecided"
    with pytest.raises(
        CannotTell, match=r"inconclusive: at 8x128 .*; allow more --minutes"
    ) as told:
        judgement.enforce()
    assert told.value.exit_code == 4
