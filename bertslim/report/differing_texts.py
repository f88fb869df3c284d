"""The held-out texts that two models answer differently, where the record quotes them."""

from __future__ import annotations

from bertslim.records import Disagreement, Disagreements
from bertslim.report.escape import escape, shortened
from bertslim.report.numbers import significant
from bertslim.wording import counted

_LONGEST = 500  # characters


def texts_told(found: Disagreements, before: str, after: str) -> str:
    """Quote the texts, each with the two answers.

    Args:
        found: The texts.
        before: What the one model is called.
        after: What the other is.
    """
    texts = counted(found.rows, "held-out text", "held-out texts")
    told = f"{found.different:,} of {texts} are answered differently"
    if not found.shown:
        return f"{told}."
    order = ", the furthest apart first" if found.shown[0].distance is not None else ""
    which = "All of them" if len(found.shown) == found.different else f"{len(found.shown)} of them"
    entries = (_entry(one, before, after) for one in found.shown)
    return "\n\n".join([f"{told}. {which}{order}:", *entries])


def _entry(one: Disagreement, before: str, after: str) -> str:
    answers = [f"{before}: {one.base}", f"{after}: {one.slim}"]
    if one.truth is not None:
        answers.append(f"label: {one.truth}")
    if one.distance is not None:
        answers.append(f"apart by: {significant(one.distance, 2)}")
    return f"{escape('; '.join(answers))}\n\n> {escape(shortened(one.text, _LONGEST))}"
