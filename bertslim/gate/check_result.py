"""What one run of `bertslim check` found, for whoever prints or writes it."""

from __future__ import annotations

from bertslim.gate.rule_results import RuleResults
from bertslim.records import Environment, Frozen, Measurement


class CheckResult(Frozen):
    """What was found.

    Attributes:
        model: The name of the directory that was checked.
        base: What it was cut from, as the record or the user names it.
        rule_results: What the rules say.
        measurements: What they judged, and what was measured beside it.
        environment: What it was measured on.
        notes: What the reader should know about it.
        seconds: How long latency was measured; 0 where it was not asked for.
    """

    model: str
    base: str
    rule_results: RuleResults
    measurements: tuple[Measurement, ...]
    environment: Environment
    notes: tuple[str, ...]
    seconds: float
