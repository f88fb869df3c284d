"""The result of one run of `bertslim check`, which reports render."""

from __future__ import annotations

from typing import Any

from bertslim.gate.rule_results import RuleResults, reason
from bertslim.gate.verdict_table import verdict_table
from bertslim.records import Environment, Frozen, Measurement
from bertslim.report.notebook import fragment

ENDINGS = {"pass": "passed", "fail": "failed", "inconclusive": "inconclusive"}
"""Outcomes in words."""


class CheckResult(Frozen):
    """The result of a check.

    Attributes:
        model: The name of the directory that was checked.
        base: The base, as the record or the user names it.
        rule_results: The verdicts of the rules.
        measurements: The measurements that were judged, with those made along with them.
        environment: The machine and versions.
        notes: Notes for the reader.
        seconds: How long latency was measured; 0 if it was not measured.
    """

    model: str
    base: str
    rule_results: RuleResults
    measurements: tuple[Measurement, ...]
    environment: Environment
    notes: tuple[str, ...]
    seconds: float

    def in_short(self) -> dict[str, Any]:
        """Return the outcome and the verdicts in words."""
        results = self.rule_results
        sentences = [verdict.sentence for verdict in results.verdicts]
        return {"model": self.model, "outcome": results.outcome, "verdicts": sentences}

    def _repr_html_(self) -> str:
        """Show the outcome and the verdicts in a notebook."""
        verdicts, outcome = self.rule_results.verdicts, self.rule_results.outcome
        reasons = [reason(verdict) for verdict in verdicts if verdict.outcome != "pass"]
        words = (ENDINGS[outcome], *(f"{one}." for one in reasons))
        return fragment(self.model, words, [verdict_table(verdicts)])
