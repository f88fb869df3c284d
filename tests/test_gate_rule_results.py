"""How all verdicts together end."""

from __future__ import annotations

import pytest

from bertslim.errors import CannotTell, RegressionFound
from bertslim.gate.latency_rules import MaxLatencyRatio, MaxRegression
from bertslim.gate.rule_results import RuleResults, apply_rules
from bertslim.gate.size_rules import MaxBytes, MaxParameters
from bertslim.records import compare
from support.gate_verdicts import FAILED, OPEN, PASSED, UNANSWERED
from support.latencies import latency


def test_all_is_passed_when_every_rule_is_at_every_shape() -> None:
    latencies = [latency(0.7, 0.69, 0.71), latency(0.8, 0.79, 0.81, batch=8)]

    rule_results = apply_rules([MaxLatencyRatio(0.9), MaxRegression(5)], latencies, latencies)

    assert [verdict.subject for verdict in rule_results.verdicts] == ["1x128", "8x128"] * 2
    assert rule_results.outcome == "pass"
    rule_results.enforce()


def test_one_shape_beyond_the_bound_is_a_regression_whatever_else_is_undecided() -> None:
    latencies = [latency(0.9, 0.5, 1.5), latency(0.99, 0.98, 1.0, batch=8)]

    rule_results = apply_rules([MaxLatencyRatio(0.9)], latencies, [])

    assert rule_results.outcome == "fail"
    with pytest.raises(RegressionFound, match="at 8x128") as raised:
        rule_results.enforce()
    assert raised.value.exit_code == 3


def test_each_failed_rule_is_told_once_about_its_worst_shape() -> None:
    latencies = [
        latency(0.95, 0.94, 0.96),
        latency(0.99, 0.98, 1.0, batch=8),
        latency(0.97, 0.96, 0.98, batch=32),
    ]
    baseline = [latency(0.5), latency(0.9, batch=8), latency(0.9, batch=32)]

    with pytest.raises(RegressionFound) as raised:
        apply_rules([MaxLatencyRatio(0.9), MaxRegression(5)], latencies, baseline).enforce()

    by_rule = str(raised.value).split("; ")
    assert len(by_rule) == 2
    assert any("at 1x128" in one and "--max-regression 5%" in one for one in by_rule)
    assert any("at 8x128" in one and "--max-latency-ratio 0.9" in one for one in by_rule)


def test_what_is_not_decided_cannot_be_told() -> None:
    latencies = [latency(0.7, 0.69, 0.71), latency(0.9, 0.85, 0.95, batch=8)]

    rule_results = apply_rules([MaxLatencyRatio(0.9)], latencies, [])

    assert rule_results.outcome == "inconclusive"
    with pytest.raises(
        CannotTell, match=r"inconclusive: at 8x128 .*; allow more --minutes"
    ) as told:
        rule_results.enforce()
    assert told.value.exit_code == 4


def test_a_rule_judges_its_own_figures_alone() -> None:
    found = [compare("parameters", 9, 7), compare("bytes", 36, 28)]
    rules = [MaxBytes(30), MaxParameters(6), MaxLatencyRatio(1)]

    verdicts = apply_rules(rules, found, found).verdicts

    assert [(one.subject, one.found, one.outcome) for one in verdicts] == [
        ("bytes", 28, "pass"),
        ("parameters", 7, "fail"),
    ]
    assert [one.recorded for one in verdicts] == [28, 7]


def test_every_open_rule_is_told_with_what_helps() -> None:
    with pytest.raises(CannotTell) as told:
        RuleResults(verdicts=(OPEN, PASSED, UNANSWERED)).enforce()
    assert str(told.value) == (
        "inconclusive: macro f1 drops by -0.10 points; measure on more rows; "
        "inconclusive: --max-latency 12ms: another machine; check there"
    )


def test_what_is_inconclusive_can_count_as_passed() -> None:
    rule_results = RuleResults(verdicts=(OPEN, PASSED), inconclusive_as="pass")
    assert rule_results.outcome == "pass"
    rule_results.enforce()
    with pytest.raises(RegressionFound):
        RuleResults(verdicts=(OPEN, FAILED), inconclusive_as="pass").enforce()


def test_what_is_inconclusive_can_count_as_failed() -> None:
    rule_results = RuleResults(verdicts=(OPEN, PASSED), inconclusive_as="fail")
    assert rule_results.outcome == "fail"
    with pytest.raises(RegressionFound, match=r"inconclusive: macro f1 .*; measure on more rows"):
        rule_results.enforce()
