"""Text from outside, made safe to be printed: nothing in it steers a terminal or breaks a line."""

from __future__ import annotations

import unicodedata

_DIRECTION_MARKS = set("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}


def printable(text: str) -> str:
    """Drop what steers a terminal or the direction of writing; line breaks become spaces."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        " " if unicodedata.category(character) in _UNPRINTABLE else character
        for character in text
        if character not in _DIRECTION_MARKS
    )


def one_line(text: str) -> str:
    """Fold white space, line breaks included, so that a message stays on one line."""
    return " ".join(printable(text).split())


def shortened(text: str, most: int) -> str:
    """Cut a text to as many characters as there is room for."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def shortened_within(text: str, most: int) -> str:
    """Cut the middle out of a text, such as a path, whose two ends tell it apart from others."""
    if len(text) <= most:
        return text
    end = (most - 1) // 2
    return f"{text[: most - 1 - end]}…{text[len(text) - end :]}"
