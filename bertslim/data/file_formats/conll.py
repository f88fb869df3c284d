"""CoNLL column files -> a row a sentence: its words, their tags, and the other columns."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from datasets import Dataset, Features, List, Value

from bertslim.data.file_formats.conll_columns import ConllColumns, Sentences, find_columns, is_part
from bertslim.data.file_formats.conll_lines import ConllLines, sort_lines
from bertslim.data.source_table import SourceTable
from bertslim.errors import DataError
from bertslim.wording import counted


def read_conll(lines: Iterable[str], *, where: str) -> SourceTable:
    """Read columns `tokens` and `tags`; others are named by their place, as `column_2`.

    Args:
        lines: The lines of the file.
        where: What to call it in messages.

    Raises:
        DataError: A line has not the columns of the first, or no word or tag, or the columns do not
            look like words and tags.
    """
    found = sort_lines(lines, where=where)
    if not found.sentences:
        return SourceTable(where, Dataset.from_dict({}))
    columns = find_columns(found.sentences, where=where)
    sentences, parts = _without_parts(found.sentences, columns)
    _check_filled(sentences, columns, where)
    return SourceTable(where, _table(sentences, columns), _reading(found, columns, parts))


def _without_parts(sentences: Sentences, columns: ConllColumns) -> tuple[Sentences, int]:
    """Leave out the lines that are no words of their own, and count them."""
    if not columns.numbered:
        return sentences, 0
    whole = [[line for line in sentence if not is_part(line)] for sentence in sentences]
    return whole, sum(map(len, sentences)) - sum(map(len, whole))


def _check_filled(sentences: Sentences, columns: ConllColumns, where: str) -> None:
    for name, what in (("tokens", "word"), ("tags", "tag")):
        if name not in columns.names:
            continue
        place = columns.names.index(name)
        for line in chain.from_iterable(sentences):
            if not line.fields[place].strip(" "):  # a word may be a no-break space
                raise DataError(
                    f"line {line.number} has no {what}",
                    where=where,
                    remedy="give each word a line with its tag in the last column",
                )


def _table(sentences: Sentences, columns: ConllColumns) -> Dataset:
    places = {
        name: place
        for place, name in enumerate(columns.names)
        if not (columns.numbered and place == 0)
    }
    ordered = sorted(places, key=lambda name: (name != "tokens", name != "tags"))
    table = {
        name: [[_field(line.fields[places[name]], name) for line in words] for words in sentences]
        for name in ordered
    }
    return Dataset.from_dict(table, features=Features(dict.fromkeys(table, List(Value("string")))))


def _field(text: str, name: str) -> str:
    return text if name == "tokens" else text.strip()


def _reading(found: ConllLines, columns: ConllColumns, parts: int) -> tuple[str, ...]:
    separated = f", separated by {found.separator}" if len(columns.names) > 1 else ""
    left_out = (
        (found.comments, "comment line", "comment lines"),
        (found.documents, "-DOCSTART- line", "-DOCSTART- lines"),
        (parts, "multiword range or empty node", "multiword ranges and empty nodes"),
    )
    return (
        columns.reading + separated,
        *(f"{counted(*lines)} left out" for lines in left_out if lines[0]),
    )
