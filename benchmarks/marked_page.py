"""Figures between two marks of a page, which a benchmark writes anew."""

from __future__ import annotations

import re
import sys
from pathlib import Path

MARKS = "<!-- results -->", "<!-- end of results -->"


def write_between_marks(page: Path, content: str, marks: tuple[str, str] = MARKS) -> None:
    """Put content between the marks of a page; one without them ends the benchmark."""
    start, end = marks
    pattern = re.compile(f"{start}.*?{end}", re.DOTALL)
    text = page.read_text(encoding="utf-8")
    if not pattern.search(text):
        sys.exit(f"{page} lacks the marks {start} and {end}")
    page.write_text(pattern.sub(lambda _: f"{start}\n{content}\n{end}", text), encoding="utf-8")
