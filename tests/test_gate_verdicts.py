"""What a verdict is, whatever it is about."""

from __future__ import annotations

import math

import pytest

from bertslim.gate.size_rules import MaxBytes
from bertslim.gate.verdicts import outcome_of, unanswered
from bertslim.records import Interval
from support.gate_verdicts import FAILED, PASSED, UNANSWERED


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [
        (1.0, 2.0, "pass"),
        (1.0, 2.1, "inconclusive"),
        (2.0, 2.1, "inconclusive"),
        (2.1, 2.2, "fail"),
        (2.0, 2.0, "pass"),
    ],
)
def test_only_a_whole_interval_decides(low: float, high: float, outcome: str) -> None:
    assert outcome_of(Interval(of="ratio", low=low, high=high), 2.0) == outcome


def test_the_excess_compares_figures_of_different_bounds() -> None:
    assert FAILED.excess == pytest.approx(0.8 / 0.735)
    assert PASSED.excess < 1
    assert PASSED.model_copy(update={"bound": 0}).excess == math.inf
    assert UNANSWERED.excess == 0


def test_a_rule_with_nothing_to_judge_is_inconclusive_and_says_why() -> None:
    verdict = unanswered(MaxBytes(10), "bytes", "bytes", "no disk", remedy="buy one", bound=10)

    assert (verdict.outcome, verdict.found, verdict.interval) == ("inconclusive", None, None)
    assert verdict.sentence == "--max-bytes 10: no disk"
    assert verdict.remedy == "buy one"
