"""JSON files -> a table: objects a line or in a list, or one object that holds all of them."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
from datasets import Dataset

from bertslim.data.file_formats.header import plain_names
from bertslim.data.file_formats.json_forms import Columns, find_tables
from bertslim.data.file_formats.squad import read_squad
from bertslim.data.file_formats.text_files import text_lines
from bertslim.data.source_table import SourceTable
from bertslim.errors import DataError
from bertslim.printable import one_line

_UNHOLDABLE = (OverflowError, ValueError, pa.ArrowException)  # too large, or half a character
_OF_LINES = (".jsonl", ".ndjson")  # where one object is one row


def read_json(file: Path, *, where: str) -> SourceTable:
    """Read the rows of a file, of whatever form.

    Args:
        file: The file.
        where: What to call it in messages.

    Raises:
        DataError: It is not JSON, its rows cannot be found, or their values cannot be held.
    """
    content = _content(file, where)
    if isinstance(content, dict) and file.name.lower().removesuffix(".gz").endswith(_OF_LINES):
        content = [content]
    questions = read_squad(content, source=where)
    if questions is not None:
        return SourceTable(where, questions)
    found = find_tables(content, where=where)
    held_out = None
    if found.held_out is not None:
        held_out = SourceTable(f"{where} ({found.held_out_name})", _table(found.held_out, where))
    return SourceTable(where, _table(found.columns, where), found.reading, held_out)


def _content(file: Path, where: str) -> Any:
    """Return the objects of the lines as a list, or what the file holds as a whole."""
    numbered = enumerate(text_lines(file, where=where), start=1)
    filled = ((number, line) for number, line in numbered if line.strip())
    start, first = next(filled, (0, ""))
    second = next(filled, None) if _is_object(first) else None
    if second is not None:
        return [
            _row(line, number, where) for number, line in chain([(start, first), second], filled)
        ]
    whole = "".join([first, *(line for _, line in numbered)])
    return _decoded(whole, start, where) if whole else []


def _is_object(line: str) -> bool:
    try:
        return line.lstrip().startswith("{") and isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _row(line: str, number: int, where: str) -> dict[str, Any]:
    row = _decoded(line.rstrip(), number, where)
    if not isinstance(row, dict):
        raise DataError(f"cannot be read as json: line {number} is not a JSON object", where=where)
    return row


def _decoded(text: str, start: int, where: str) -> Any:
    """Decode JSON that begins in line `start` of the file."""
    try:
        return json.loads(text, object_pairs_hook=_distinct)
    except json.JSONDecodeError as error:
        line = start + error.lineno - 1
        reason = f"line {line} is not valid JSON ({error.msg} at column {error.colno})"
        raise DataError(f"cannot be read as json: {reason}", where=where) from error
    except _RepeatedKeyError as error:
        raise DataError(
            f"an object in line {start} or below has the key {error.args[0]!r} twice", where=where
        ) from error
    except RecursionError as error:
        raise DataError("cannot be read as json: it is nested too deeply", where=where) from error
    except ValueError as error:  # a number of more digits than Python converts
        reason = textwrap.shorten(one_line(str(error)), 150)
        raise DataError(f"cannot be read as json: {reason}", where=where) from error


class _RepeatedKeyError(Exception):
    """Which of the two values was meant cannot be told."""


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _RepeatedKeyError(next(name for name in names if names.count(name) > 1))
    return found


def _table(columns: Columns, where: str) -> Dataset:
    names = plain_names(list(columns), where=where)
    named = dict(zip(names, columns.values(), strict=True))
    try:
        return _dataset(named)
    except _UNHOLDABLE:
        for name, values in named.items():
            _check_holdable(name, values, where)
        raise


def _dataset(columns: Columns) -> Dataset:
    return Dataset.from_dict(dict(columns), on_mixed_types="use_json")


def _check_holdable(name: str, values: Sequence[Any], where: str) -> None:
    try:
        _dataset({name: values})
    except _UNHOLDABLE as error:
        reason = textwrap.shorten(one_line(str(error)), 150)
        raise DataError(f"column {name!r} cannot be held: {reason}", where=where) from error
