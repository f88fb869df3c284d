"""CoNLL column files: a word a line, its tag last, a blank line between sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from datasets import Dataset, Features, List, Value

from bertslim.errors import DataError
from bertslim.wording import counted

_DOCUMENT = "-DOCSTART-"


def read_conll(lines: Iterable[str], *, source: str) -> Dataset:
    """Read sentences: columns `tokens` and, where the lines have more than one column, `tags`.

    Columns are parted by tabs where the first line has one, else by blanks. Lines that start a
    document are skipped.

    Raises:
        DataError: A line has another number of columns than the first, or no tag.
    """
    words: list[list[str]] = [[]]
    tags: list[list[str]] = [[]]
    separator, columns = None, 0
    for number, raw in enumerate(lines, start=1):
        line = raw.rstrip("\r\n")
        if not line.strip():
            words.append([])
            tags.append([])
        elif not line.startswith(_DOCUMENT):
            if not columns:
                separator = "\t" if "\t" in line else None
            fields = line.split(separator)
            columns = columns or len(fields)
            _check(fields, columns, number, source)
            words[-1].append(fields[0])
            tags[-1].append(fields[-1].strip())
    kind = List(Value("string"))
    table = {"tokens": [sentence for sentence in words if sentence]}
    if columns > 1:
        table["tags"] = [sentence for sentence in tags if sentence]
    return Dataset.from_dict(table, features=Features(dict.fromkeys(table, kind)))


def _check(fields: Sequence[str], columns: int, number: int, source: str) -> None:
    if len(fields) != columns:
        width = counted(len(fields), "column", "columns")
        what = f"line {number} has {width}, the first {columns}"
    elif not fields[-1].strip():
        what = f"line {number} has no tag"
    else:
        return
    remedy = "give each word a line with its tag in the last column"
    raise DataError(what, where=source, remedy=remedy)
