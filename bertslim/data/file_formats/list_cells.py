"""Lists that a CSV file holds as text, such as "['a', 'b']" -> columns of lists."""

from __future__ import annotations

import ast
import json
import tokenize
from collections.abc import Collection, Sequence
from io import StringIO
from typing import Any

import pyarrow as pa

from bertslim.data.columns import LABEL_NAMES, TAG_NAMES, WORD_NAMES
from bertslim.errors import DataError
from bertslim.wording import listed, shown

_NAMES = frozenset({*WORD_NAMES, *TAG_NAMES, *LABEL_NAMES})


def read_lists(
    table: pa.Table, named: Collection[str], *, where: str
) -> tuple[pa.Table, tuple[str, ...]]:
    """Turn the columns of words, tags and labels into lists where all their cells are written so.

    Args:
        table: A table of strings.
        named: The columns that the user named, of which the same holds.
        where: The file, for messages.

    Returns:
        The table, and what was read as lists, in words.

    Raises:
        DataError: All cells of a column stand in brackets, but one is no list.
    """
    wanted = [name for name in table.column_names if name.lower() in _NAMES or name in named]
    found = [name for name in wanted if _stand_in_brackets(table[name].to_pylist())]
    for name in found:
        lists = [
            _list(cell, name, row, where) for row, cell in enumerate(table[name].to_pylist(), 1)
        ]
        place = table.column_names.index(name)
        table = table.set_column(place, name, [_array(lists, name, where)])
    return table, (f"lists written as text in {listed(found)}",) if found else ()


def _stand_in_brackets(cells: Sequence[str]) -> bool:
    filled = [cell.strip() for cell in cells if cell.strip()]
    return bool(filled) and all(cell[0] == "[" and cell[-1] == "]" for cell in filled)


def _list(cell: str, name: str, row: int, where: str) -> list[Any]:
    text = cell.strip()
    if not text:
        return []
    found = parse_list(text)
    if found is None or not all(isinstance(item, str | int | float) for item in found):
        raise DataError(
            f"row {row}: column {name!r} looks like a list and cannot be read as one: "
            f"{shown(text)}",
            where=where,
            remedy="write its items in quotes with commas between them",
        )
    return found


def parse_list(text: str) -> list[Any] | None:
    """Read a list as JSON or Python write it; None for anything else."""
    found = _from_json(text)
    found = _from_python(text) if found is None else found
    return found if isinstance(found, list) else None


def _from_json(text: str) -> list[Any] | None:
    try:
        found: list[Any] = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found


def _from_python(text: str) -> list[Any] | None:
    """Read a list as Python writes it; not as numpy does, whose 'a' 'b' Python takes for 'ab'."""
    try:
        found: list[Any] = ast.literal_eval(text)
        tokens = tokenize.generate_tokens(StringIO(text).readline)
        pieces = sum(token.type == tokenize.STRING for token in tokens)
    except (ValueError, SyntaxError, RecursionError, MemoryError, tokenize.TokenError):
        return None
    return found if pieces == sum(isinstance(item, str) for item in found) else None


def _array(lists: list[list[Any]], name: str, where: str) -> pa.Array:
    try:
        return pa.array(lists)
    except (pa.ArrowException, ValueError, OverflowError) as error:
        raise DataError(
            f"the lists of column {name!r} mix texts and numbers", where=where
        ) from error
