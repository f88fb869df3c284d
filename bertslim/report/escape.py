"""Text from a model, a recipe or data, made safe to stand in Markdown."""

from __future__ import annotations

import re
import unicodedata

from bertslim.printable import one_line, printable

_MARKUP = re.compile(r"[\\`*\[\]|]|(?<![^\W_])_|_(?![^\W_])")
_ENTITY = re.compile(r"&(?=#?\w+;)")
_BLOCK_START = re.compile(r"^(?=#{1,6}(?:\s|$)|>|[+-](?:\s|$)|-{3,}|={2,}|~{3,})")
_NUMBERED = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")


def escape(text: str) -> str:
    """Make text stand for itself on one line of Markdown, in a table cell too."""
    line = _ENTITY.sub("&amp;", one_line(text))
    line = _MARKUP.sub(lambda match: f"\\{match.group()}", line)
    line = _NUMBERED.sub(r"\1\\\2", line.replace("<", "&lt;"))
    return _BLOCK_START.sub(r"\\", line)


def fenced(text: str, language: str = "") -> str:
    """Put text into a fenced block that nothing in it can close."""
    lines = [printable(line) for line in text.rstrip("\n").split("\n")]
    runs = re.findall(r"`{3,}", "\n".join(lines))
    fence = "`" * max(3, *(len(run) + 1 for run in runs), 3)
    return "\n".join([fence + language, *lines, fence])


def display_width(text: str) -> int:
    """Columns that a text takes in a terminal: wide characters take two, combining ones none."""
    return sum(
        0
        if unicodedata.combining(character)
        else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )
