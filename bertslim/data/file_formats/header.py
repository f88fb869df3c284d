"""The names of columns, and whether the first line of a file holds them or is data itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from bertslim.data.columns import are_numbers, is_usual_name
from bertslim.errors import DataError
from bertslim.wording import listed, shown

_MOST_COLUMNS = 10_000
_WORDS_OF_A_TEXT = 5
_CHARACTERS_OF_A_TEXT = 60


def plain_names(names: Sequence[str], *, where: str) -> list[str]:
    """Strip the names of blanks, and number those without one as pandas does.

    Raises:
        DataError: Two columns have the same name, or there are too many.
    """
    if len(names) > _MOST_COLUMNS:
        raise DataError(
            f"{len(names):,} columns are more than a table of texts has",
            where=where,
            remedy=f"leave {_MOST_COLUMNS:,} or fewer",
        )
    stripped = [name.strip().strip("\ufeff").strip() for name in names]
    plain = [name or f"Unnamed: {place}" for place, name in enumerate(stripped)]
    for name, times in Counter(plain).items():
        if "\0" in name:
            raise DataError(f"the name {name!r} of a column holds a NUL character", where=where)
        if times > 1:
            raise DataError(
                f"{times} columns are named {name!r}",
                where=where,
                remedy="give each column a name of its own",
            )
    return plain


def check_header(
    first: Sequence[str], table: pa.Table, named: Collection[str], *, where: str
) -> None:
    """Check that the first line of a file names its columns.

    It does if it holds a name that the user gave or that is usual, or the numbers 0, 1, 2, … that
    pandas writes for columns without names. It does not if a field is one of the values that
    recur in its own column; nor, without such a name, if it is a number above numbers, or as long
    as a text.

    Args:
        first: The fields of the first line, as they are.
        table: The rows below it.
        named: The columns that the user named.
        where: The file, for messages.

    Raises:
        DataError: The first line looks like data.
    """
    names = [name.strip() for name in first]
    if not set(named).isdisjoint(names) or _are_numbered(names):
        return
    is_usual = any(map(is_usual_name, names))
    for field, column in zip(first, table.columns, strict=True):
        if _recurs(field, column) or (not is_usual and _is_value(field, column)):
            fields = listed([shown(field) for field in first], limit=4)
            raise DataError(
                f"the first line looks like data, not like names of columns: {fields}",
                where=where,
                remedy="write a line of names above it, such as text and label, or name a column "
                "that it does name with --text-column",
            )


def _are_numbered(names: Sequence[str]) -> bool:
    """Whether they are the numbers of the columns, perhaps beside an index without a name."""
    numbers = [name for name in names if name]
    return bool(numbers) and numbers == [str(place) for place in range(len(numbers))]


def _recurs(field: str, column: pa.ChunkedArray) -> bool:
    """Whether it is a value that recurs in a column of few values, as classes are."""
    if not field.strip() or are_numbers([field]):
        return False
    equal = pc.sum(pc.equal(column, field)).as_py() or 0
    return equal > 1 and pc.count_distinct(column).as_py() * 2 <= len(column)


def _is_value(field: str, column: pa.ChunkedArray) -> bool:
    """Whether it is a number above numbers, or as long as a text."""
    if not field.strip():
        return False
    if are_numbers([field]):
        return are_numbers(value.as_py() for value in column)
    return len(field.split()) >= _WORDS_OF_A_TEXT or len(field) > _CHARACTERS_OF_A_TEXT
