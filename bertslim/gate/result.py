"""What one run of `bertslim check` found, for whoever prints or writes it."""

from __future__ import annotations

from bertslim.gate.judgement import Judgement
from bertslim.records import Environment, Frozen, Measurement


class CheckResult(Frozen):
    """What was found.

    Attributes:
        model: The name of the directory that was checked.
        base: What it was cut from, as the record or the user names it.
        judgement: What the rules say.
        measurements: What they judged, and what was measured beside it.
        environment: What it was measured on.
        notes: What the reader should know about it.
        seconds: How long latency was measured; 0 where it was not asked for.
    """

    model: str
    base: str
    judgement: Judgement
    measurements: tuple[Measurement, ...]
    environment: Environment
    notes: tuple[str, ...]
    seconds: float
