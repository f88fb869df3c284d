"""Where the rows are in a JSON document: in a list, under a key, or column by column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bertslim.data.columns import WORD_NAMES, is_usual_name
from bertslim.data.split_names import REPORTED, TRAIN, by_split
from bertslim.errors import DataError
from bertslim.wording import counted, listed, shown

Columns = Mapping[str, Sequence[Any]]

_MOST_KEYS = 1_000
_REMEDY = "give a list of objects, or an object a line"


@dataclass(frozen=True)
class JsonTables:
    """The columns of a JSON document.

    Attributes:
        columns: The values of each column; what a row has not is None.
        reading: How they were found, where it is no list of rows.
        held_out: The columns of the rows that are to be reported on, if set apart.
        held_out_name: The key that they stand under.
    """

    columns: Columns
    reading: tuple[str, ...] = ()
    held_out: Columns | None = None
    held_out_name: str = ""


def find_tables(content: Any, *, where: str) -> JsonTables:
    """Find the rows: a list of objects or of texts, or an object of a form that libraries write.

    An object is one row if it holds a text under a usual name, or nothing but single values. Else
    its rows are the one list of objects in it, or those of its splits; or it is what pandas writes
    as "split", "index" and "columns", or an object of lists of one length, one a column.

    Args:
        content: What the file holds.
        where: The file, for messages.

    Raises:
        DataError: It is none of these, or could be several.
    """
    if isinstance(content, list):
        return _of_list(content, where)
    if not isinstance(content, dict):
        raise DataError(f"it holds {shown(content)} and no rows", where=where, remedy=_REMEDY)
    if not content:
        return JsonTables({})
    if _is_row(content):
        return JsonTables(_columns_of_rows([content], where))
    found = (
        _pandas_split(content)
        or _under_keys(content, where)
        or _lists(content, where)
        or _objects(content, where)
    )
    if found is None:
        keys = counted(len(content), "key", "keys")
        raise DataError(
            f"no rows are found in its {keys} {listed([shown(key) for key in content], limit=6)}",
            where=where,
            remedy=_REMEDY,
        )
    return found


def _of_list(items: list[Any], where: str) -> JsonTables:
    if items and all(isinstance(item, str) for item in items):
        return JsonTables({"text": items}, ("a list of texts",))
    return JsonTables(_columns_of_rows(items, where))


def _columns_of_rows(rows: Sequence[Any], where: str) -> Columns:
    """Turn rows into columns, in the order in which their names first appear."""
    names: dict[str, None] = {}
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise DataError(
                f"row {number} is {shown(row)} and not an object", where=where, remedy=_REMEDY
            )
        names.update(dict.fromkeys(row))
        if len(names) > _MOST_KEYS:
            raise DataError(
                f"its first {counted(number, 'row has', 'rows have')} more than {_MOST_KEYS:,} "
                "different keys, too many to be columns",
                where=where,
            )
    return {name: [row.get(name) for row in rows] for name in names}


def _is_row(content: Mapping[str, Any]) -> bool:
    """Whether an object is a row of its own, such as the only line of a file."""
    single = [not isinstance(value, list | dict) for value in content.values()]
    words = any(_are_words(content.get(name)) for name in WORD_NAMES)
    return (
        all(single)
        or words
        or any(is_usual_name(name) and isinstance(value, str) for name, value in content.items())
    )


def _are_words(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(word, str) for word in value)


def _pandas_split(content: Mapping[str, Any]) -> JsonTables | None:
    names, rows = content.get("columns"), content.get("data")
    if not isinstance(names, list) or not _are_words(names) or not isinstance(rows, list):
        return None
    if not all(isinstance(row, list) and len(row) == len(names) for row in rows):
        return None
    columns = {name: [row[place] for row in rows] for place, name in enumerate(names)}
    return JsonTables(columns, ('the form "split" of pandas',))


def _under_keys(content: Mapping[str, Any], where: str) -> JsonTables | None:
    """Take the only list of objects; of several, those whose keys name splits."""
    lists = {
        key: value
        for key, value in content.items()
        if isinstance(value, list) and value and all(isinstance(row, dict) for row in value)
    }
    if not lists:
        return None
    if len(lists) == 1:
        key = next(iter(lists))
        return JsonTables(
            _columns_of_rows(lists[key], where), (f"rows under the key {shown(key)}",)
        )
    splits = by_split(lists, where=where)
    train, reported = splits.get(TRAIN, []), next(filter(None, map(splits.get, REPORTED)), [])
    if len(train) != 1 or len(reported) != 1:
        raise DataError(
            f"several keys hold rows: {listed(list(lists))}",
            where=where,
            remedy="write the rows of one key to a file of their own",
        )
    left = [key for key in lists if key not in {*train, *reported}]
    reading = (
        f"rows under the key {shown(train[0])}, those under {shown(reported[0])} set apart",
        *([f"not used: {listed([shown(key) for key in left])}"] if left else []),
    )
    return JsonTables(
        _columns_of_rows(lists[train[0]], where),
        reading,
        _columns_of_rows(lists[reported[0]], where),
        reported[0],
    )


def _lists(content: Mapping[str, Any], where: str) -> JsonTables | None:
    """Take an object of lists as columns.

    Raises:
        DataError: They differ in length.
    """
    if not all(isinstance(value, list) for value in content.values()):
        return None
    lengths = {name: len(values) for name, values in content.items()}
    if len(set(lengths.values())) > 1:
        told = listed([f"{shown(name)} {length:,}" for name, length in lengths.items()])
        raise DataError(f"its lists differ in length: {told}", where=where, remedy=_REMEDY)
    return JsonTables(content, ("an object of lists, one a column",))


def _objects(content: Mapping[str, Any], where: str) -> JsonTables | None:
    """Take an object of objects as rows or as columns, as pandas writes either.

    Raises:
        DataError: It could be both.
    """
    parts = list(content.values())
    if not all(isinstance(part, dict) and part.keys() == parts[0].keys() for part in parts):
        return None
    outer, inner = _like_names(content), _like_names(parts[0])
    if outer == inner:
        raise DataError(
            f"cannot tell whether its keys {listed([shown(key) for key in content], limit=4)} "
            "are rows or columns",
            where=where,
            remedy=_REMEDY,
        )
    if outer > inner:
        columns = {name: list(part.values()) for name, part in content.items()}
        return JsonTables(columns, ("an object of columns, each an object of rows",))
    return JsonTables(_columns_of_rows(parts, where), ("an object of rows",))


def _like_names(keys: Iterable[str]) -> int:
    """Grade how much they are like names of columns: a usual one among them, or no numbers."""
    keys = list(keys)
    if any(map(is_usual_name, keys)):
        return 2
    return 0 if all(key.isdigit() for key in keys) else 1
