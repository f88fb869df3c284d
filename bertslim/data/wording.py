"""How messages about data name things: shortened lists, and the word that was probably meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


def listed(words: Sequence[str], limit: int = 12) -> str:
    """Join words by commas; of a long list only the first ones."""
    shown = ", ".join(words[:limit])
    rest = len(words) - limit
    return f"{shown} and {rest} more" if rest > 0 else shown


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Return "did you mean …?" with the nearest known word, if one is near."""
    nearest = get_close_matches(word, list(known), n=1)
    return f"did you mean {nearest[0]}?" if nearest else None


def counted(number: int, singular: str, plural: str) -> str:
    """Return the number with the noun in its right form."""
    return f"{number:,} {singular if number == 1 else plural}"
