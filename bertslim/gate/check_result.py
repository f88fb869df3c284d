"""The result of one run of `bertslim check`, which reports render."""

from __future__ import annotations

from bertslim.gate.rule_results import RuleResults
from bertslim.records import Environment, Frozen, Measurement


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
