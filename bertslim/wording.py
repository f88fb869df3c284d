"""How messages show what a person wrote, shorten lists, and point to the word that was meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

LONGEST = 60


def shown(value: object) -> str:
    """Show a value of a recipe in YAML's words: quoted text, a number, or what kind of thing it is.

    Text is escaped, so that nothing a file holds can break a line or steer a terminal.
    """
    if value is None:
        return "an empty value"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    if isinstance(value, str) and len(value) > LONGEST:
        return repr(value[:LONGEST]) + " …"
    text = repr(value)
    return text if isinstance(value, str) or len(text) <= LONGEST else text[:LONGEST] + " …"


def did_you_mean(word: object, choices: Iterable[str]) -> str | None:
    """Return "did you mean 'odd'?" for the nearest of the choices, None where none is near."""
    near = nearest(word, choices)
    return f"did you mean {near!r}?" if near else None


def nearest(word: object, choices: Iterable[str]) -> str | None:
    """Return the choice that is spelt most like the word, or None where none is near."""
    if not isinstance(word, str) or len(word) > LONGEST:
        return None
    by_lower = {choice.lower(): choice for choice in choices}
    near = get_close_matches(word.lower(), by_lower, n=1)
    return by_lower[near[0]] if near else None


def listed(words: Sequence[str], limit: int = 12) -> str:
    """Join words by commas; of a long list only the first ones."""
    shown = ", ".join(words[:limit])
    rest = len(words) - limit
    return f"{shown} and {rest} more" if rest > 0 else shown


def capital(text: str) -> str:
    """Write the first letter as a capital."""
    return f"{text[:1].upper()}{text[1:]}"


def counted(number: int, singular: str, plural: str) -> str:
    """Return the number with the noun in its right form."""
    return f"{number:,} {singular if number == 1 else plural}"
