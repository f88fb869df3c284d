"""The names that a table declares for the numbers in its column of labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bertslim.data.columns import class_names
from bertslim.data.label_ways import whole_number
from bertslim.data.labels import RawLabels

if TYPE_CHECKING:
    from datasets import Dataset

_BESIDE = ("_text", "_name")


def read_declared(table: Dataset, column: str, rows: Sequence[int], source: str) -> RawLabels:
    """Return what some rows of a column hold, with the names of the classes if they are declared.

    They are by the type of the column, as `datasets` has it, or by a column beside it: `label_text`
    beside `label`.

    Args:
        table: The data as they came.
        column: Its column of labels.
        rows: The number of each row, from 0.
        source: What the user gave, for messages.
    """
    every = table[column][:]
    values, numbers = [every[row] for row in rows], [row + 1 for row in rows]
    names = class_names(table, column)
    if names is not None:
        return RawLabels(values, numbers, source, tuple(names))
    for beside in (f"{column}{ending}" for ending in _BESIDE):
        if beside in table.column_names:
            texts = table[beside][:]
            ids, found = _names_beside(values, [texts[row] for row in rows])
            if found is not None:
                return RawLabels(ids, numbers, source, found)
    return RawLabels(values, numbers, source)


def _names_beside(
    values: Sequence[Any], texts: Sequence[Any]
) -> tuple[list[int], tuple[str, ...] | None]:
    """Return the numbers of the classes and their names, None unless each number has its own."""
    ids = [whole_number(str(value).strip()) for value in values]
    pairs = {(number, text) for number, text in zip(ids, texts, strict=True)}
    names = {number: text for number, text in pairs if number is not None}
    one_to_one = len(pairs) == len(names) == len(set(names.values()))
    texts_only = all(isinstance(text, str) and text.strip() for text in names.values())
    if not one_to_one or not texts_only or sorted(names) != list(range(len(names))):
        return [], None
    return [number for number in ids if number is not None], tuple(
        names[number].strip() for number in range(len(names))
    )
