"""Held-out texts that two models answer differently; kept only on request."""

from __future__ import annotations

from bertslim.records.frozen import Count, Frozen


class Disagreement(Frozen):
    """One text, and the answers of both models.

    Attributes:
        text: With its context, such as a question before a passage.
        truth: The label, in words; None where there is none.
        base: The base's answer, in words.
        slim: The slim model's.
        distance: KL between the two in nats, or of scores how far they are from each other; None
            where it is not known.
    """

    text: str
    truth: str | None = None
    base: str
    slim: str
    distance: float | None = None


class Disagreements(Frozen):
    """The texts that two models answer differently, the most different answers first.

    Attributes:
        rows: How many were compared.
        different: How many are answered differently.
        shown: Some of them.
    """

    rows: Count
    different: Count
    shown: tuple[Disagreement, ...]
