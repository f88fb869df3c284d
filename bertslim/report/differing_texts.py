"""The held-out texts that two models answer differently, where the record quotes them."""

from __future__ import annotations

from bertslim.printable import shortened
from bertslim.records import Disagreement, Disagreements
from bertslim.report.escape import escape
from bertslim.report.numbers import significant
from bertslim.wording import counted

_LONGEST = 500  # characters


def differing_texts(disagreements: Disagreements, before: str, after: str) -> str:
    """Quote the texts, each with the two answers.

    Args:
        disagreements: The texts.
        before: The name of the first model.
        after: The name of the other.
    """
    texts = counted(disagreements.rows, "held-out text", "held-out texts")
    count = f"{disagreements.different:,} of {texts} are answered differently"
    if not disagreements.shown:
        return f"{count}."
    order = ", the furthest apart first" if disagreements.shown[0].distance is not None else ""
    which = (
        "All of them"
        if len(disagreements.shown) == disagreements.different
        else f"{len(disagreements.shown)} of them"
    )
    entries = (_entry(disagreement, before, after) for disagreement in disagreements.shown)
    return "\n\n".join([f"{count}. {which}{order}:", *entries])


def _entry(disagreement: Disagreement, before: str, after: str) -> str:
    answers = [f"{before}: {disagreement.base}", f"{after}: {disagreement.slim}"]
    if disagreement.truth is not None:
        answers.append(f"label: {disagreement.truth}")
    if disagreement.distance is not None:
        answers.append(f"apart by: {significant(disagreement.distance, 2)}")
    return f"{escape('; '.join(answers))}\n\n> {escape(shortened(disagreement.text, _LONGEST))}"
