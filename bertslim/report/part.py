"""What a report is made of: parts, each with its pictures."""

from __future__ import annotations

from dataclasses import dataclass

from bertslim.report.svg import Drawing


@dataclass(frozen=True)
class Picture:
    """A drawing with a name.

    Attributes:
        name: What its file is called, without the ending.
    """

    name: str
    drawing: Drawing


@dataclass(frozen=True)
class Part:
    """A part of a report.

    Attributes:
        text: Markdown.
        pictures: What belongs to it.
    """

    text: str
    pictures: tuple[Picture, ...] = ()
