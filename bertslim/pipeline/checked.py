"""What one kind of rule came to in `bertslim check`."""

from __future__ import annotations

from dataclasses import dataclass

from bertslim.gate.verdicts import Verdict
from bertslim.records import Measurement


@dataclass(frozen=True)
class Checked:
    """What one kind of rule came to.

    Attributes:
        verdicts: Of each rule, about each figure.
        measurements: What was measured for them.
        notes: What the reader should know about it.
        seconds: How long was measured, where that is limited.
    """

    verdicts: tuple[Verdict, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
