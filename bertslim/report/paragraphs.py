"""Paragraphs that read well as plain text, too."""

from __future__ import annotations

import textwrap

_WIDTH = 100


def wrapped(paragraph: str) -> str:
    """Break a paragraph into lines between its words."""
    return textwrap.fill(paragraph, _WIDTH, break_long_words=False, break_on_hyphens=False)
