"""What stands beside the verdicts in every report."""

from __future__ import annotations

import pytest

from bertslim.gate.check_summary import ending, facts, title
from bertslim.gate.verdicts import Verdict
from support.gate_verdicts import FAILED, OPEN, PASSED, result


@pytest.mark.parametrize(
    ("verdicts", "told"),
    [
        ((PASSED,), "1 of 1 verdict passed"),
        ((PASSED, PASSED), "2 of 2 verdicts passed"),
        ((FAILED, OPEN, PASSED), "1 of 3 verdicts passed, 1 failed, 1 inconclusive"),
    ],
)
def test_the_ending_counts_outcomes(verdicts: tuple[Verdict, ...], told: str) -> None:
    assert ending(result(*verdicts)) == told


def test_models_are_named_without_their_paths() -> None:
    assert title(result(PASSED)) == "slim against base"
    assert title(result(PASSED, base="org/base")) == "slim against org/base"
    assert title(result(PASSED, base="pkg:some_model")) == "slim against pkg:some_model"


def test_machine_versions_and_time_are_told() -> None:
    told = facts(result(PASSED, seconds=1.2))
    assert told["CPU"] == "Test CPU"
    assert told["versions"] == "bertslim 0.1.0, torch 2.13.0"
    assert told["latency measured for"] == "1 second"
    assert "latency measured for" not in facts(result(PASSED, seconds=0.0))
