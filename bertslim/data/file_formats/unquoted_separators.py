"""Texts that hold the separator of their file and stand in no quotes: which column they are in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bertslim.data.columns import are_numbers
from bertslim.data.file_formats.delimited_records import DelimitedForm

_MOST_CLASSES = 1_000


def find_text_column(rows: Sequence[Sequence[str]], width: int, separator: str) -> int | None:
    """Find the column that the surplus fields of all rows belong to, None where that is not sure.

    It is the only one that leaves in each other column of such a row a value that the column has in
    other rows too, or a number among numbers: of `a, b,1` the text is `a, b` where 1 is a label.

    Args:
        rows: All rows below the header.
        width: How many fields the header has.
        separator: What stands between two fields.
    """
    whole = [row for row in rows if len(row) == width]
    longer = [row for row in rows if len(row) > width]
    if len(whole) + len(longer) < len(rows) or not whole:
        return None
    columns = [_Values.of([row[place] for row in whole]) for place in range(width)]
    forms = (DelimitedForm(separator, text_column=place) for place in range(width))
    fitting = [
        form.text_column
        for form in forms
        if all(
            columns[place].hold(field)
            for row in longer
            for place, field in enumerate(form.record(row, width))
            if place != form.text_column
        )
    ]
    return fitting[0] if len(fitting) == 1 else None


@dataclass(frozen=True)
class _Values:
    """What a column holds in the rows that have as many fields as the header.

    Attributes:
        few: Its values, none where they are too many to be classes.
        numbers: Whether they are numbers.
    """

    few: frozenset[str]
    numbers: bool

    @classmethod
    def of(cls, fields: Sequence[str]) -> _Values:
        """Gather them."""
        distinct = frozenset(fields)
        few = distinct if len(distinct) <= _MOST_CLASSES else frozenset()
        return cls(few, any(map(str.strip, distinct)) and are_numbers(distinct))

    def hold(self, field: str) -> bool:
        """Whether a field may be one of them."""
        return field in self.few or (self.numbers and are_numbers([field]))
