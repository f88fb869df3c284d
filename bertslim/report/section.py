"""What a report is made of: sections, each of text and pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bertslim.report.escape import escape
from bertslim.report.svg import Drawing, Palette
from bertslim.report.tables import Table

Content = str | Table  # Markdown, or rows of plain text


@dataclass(frozen=True)
class Picture:
    """A drawing with a name.

    Attributes:
        name: What its file is called, without the ending.
        draw: Draws it in the colours of a page or of paper.
    """

    name: str
    draw: Callable[[Palette], Drawing]


@dataclass(frozen=True)
class Section:
    """A section of a report.

    Attributes:
        title: Plain text; "" where it has no heading.
        body: What stands below the heading, block by block.
        pictures: What stands below the body, on pages and in files.
        level: Of the heading: 1 is that of the whole report.
        folded: Whether a page shows the heading alone until a reader opens it.
    """

    title: str
    body: tuple[Content, ...]
    pictures: tuple[Picture, ...] = ()
    level: int = 2
    folded: bool = False

    def markdown(self) -> str:
        """Write heading and body."""
        heading = [f"{'#' * self.level} {escape(self.title)}"] if self.title else []
        return "\n\n".join([*heading, *([self.text()] if self.body else [])])

    def text(self) -> str:
        """Write the body alone."""
        return "\n\n".join(map(_markdown, self.body))


def markdown_of(sections: Iterable[Section]) -> str:
    """Write sections, one below the other."""
    return "\n\n".join(section.markdown() for section in sections) + "\n"


def pictures_of(sections: Iterable[Section]) -> tuple[Picture, ...]:
    """Return the pictures of all sections."""
    return tuple(picture for section in sections for picture in section.pictures)


def _markdown(block: Content) -> str:
    return block.markdown() if isinstance(block, Table) else block
