"""How all verdicts together end."""

from __future__ import annotations

import pytest
from latencies import latency

from bertslim.errors import CannotTell, RegressionFound
from bertslim.gate.judgement import judge
from bertslim.gate.latency_rules import MaxLatencyRatio, MaxRegression


def test_all_is_passed_when_every_rule_is_at_every_shape() -> None:
    latencies = [latency(0.7, 0.69, 0.71), latency(0.8, 0.79, 0.81, batch=8)]

    judgement = judge([MaxLatencyRatio(0.9), MaxRegression(5)], latencies, latencies)

    assert [verdict.subject for verdict in judgement.verdicts] == ["1x128", "8x128"] * 2
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

    assert judgement.outcome == "inconclusive"
    with pytest.raises(
        CannotTell, match=r"inconclusive: at 8x128 .*; allow more --minutes"
    ) as told:
        judgement.enforce()
    assert told.value.exit_code == 4
