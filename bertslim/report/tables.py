"""Tables that read well as Markdown source, in a terminal as on a page."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field, replace

from bertslim.report.escape import display_width, escape

NOTHING = "–"
_WIDTH = 100  # of a paragraph, in characters


@dataclass(frozen=True)
class Table:
    """Rows of plain text; the writer escapes them.

    Attributes:
        align: A letter a column: l for left, r for right.
        held_fixed: What was the same for all rows, such as {"threads": "2"}; stands above them.
    """

    align: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    held_fixed: dict[str, str] = field(default_factory=dict)

    def without_empty_columns(self) -> Table:
        """Leave out the columns that are empty in all rows."""
        kept = [
            number
            for number in range(len(self.headers))
            if any(row[number] not in ("", NOTHING) for row in self.rows)
        ]
        return replace(
            self,
            align="".join(self.align[number] for number in kept),
            headers=tuple(self.headers[number] for number in kept),
            rows=tuple(tuple(row[number] for number in kept) for row in self.rows),
        )

    def markdown(self) -> str:
        """Write the table with its columns padded to one width, below what was held fixed."""
        lines = [
            tuple(escape(cell) or NOTHING for cell in row) for row in (self.headers, *self.rows)
        ]
        widths = [
            max(3, *(display_width(cell) for cell in column)) for column in zip(*lines, strict=True)
        ]
        head, *body = (self._line(cells, widths) for cells in lines)
        table = "\n".join([head, self._rule(widths), *body])
        if not self.held_fixed:
            return table
        words = ", ".join(f"{words_of(key)} {value}" for key, value in self.held_fixed.items())
        return f"Held fixed: {escape(words)}.\n\n{table}"

    def _line(self, cells: tuple[str, ...], widths: list[int]) -> str:
        padded = (
            _pad(cell, width, right=side == "r")
            for cell, width, side in zip(cells, widths, self.align, strict=True)
        )
        return f"| {' | '.join(padded)} |"

    def _rule(self, widths: list[int]) -> str:
        marks = (
            "-" * (width - 1) + (":" if side == "r" else "-")
            for width, side in zip(widths, self.align, strict=True)
        )
        return f"| {' | '.join(marks)} |"


def words_of(key: str) -> str:
    """Write the name of a column or of what was held fixed as words."""
    return key.replace("_", " ")


def _pad(cell: str, width: int, *, right: bool) -> str:
    blank = " " * (width - display_width(cell))
    return blank + cell if right else cell + blank


def wrapped(paragraph: str) -> str:
    """Break a paragraph into lines between its words."""
    return textwrap.fill(paragraph, _WIDTH, break_long_words=False, break_on_hyphens=False)
