"""Queries with lists of passages, a row a query -> a row a passage, with its relevance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bertslim.data.source_table import SourceTable
from bertslim.errors import DataError

if TYPE_CHECKING:
    from datasets import Dataset

QUERY, PASSAGE, RELEVANCE = "query", "passage", "relevance"
_PASSAGES, _TEXT, _SELECTED = "passages", "passage_text", "is_selected"
_POSITIVES, _NEGATIVES = ("positive", "positives"), ("negative", "negatives")


def holds_lists_of_passages(columns: Sequence[str], first_row: Mapping[str, Any]) -> bool:
    """Whether a row is a query with its passages: as MS MARCO has them, or relevant and other ones.

    Args:
        columns: The names of all columns.
        first_row: The first row.
    """
    if QUERY not in columns:
        return False
    if _PASSAGES in columns:
        return isinstance(first_row[_PASSAGES], dict | list)
    lists = [_first(columns, names) for names in (_POSITIVES, _NEGATIVES)]
    return all(name is not None and isinstance(first_row[name], list) for name in lists)


def with_a_row_a_passage(source: SourceTable) -> SourceTable:
    """Return the pairs of queries and passages of a source whose rows hold lists of passages.

    A table of another form is returned as it is.

    Raises:
        DataError: A row does not hold passages with their relevance.
    """
    table = source.rows
    if len(table) == 0 or not holds_lists_of_passages(table.column_names, table[0]):
        return source
    pairs = [
        (str(row[QUERY]), text, relevance)
        for number, row in enumerate(table, start=1)
        for text, relevance in _passages(row, number, source.source)
    ]
    return replace(source, rows=table_of_pairs(pairs))


def table_of_pairs(pairs: Sequence[tuple[str, str, float]]) -> Dataset:
    """Make a table of queries, each with a passage and its relevance."""
    from datasets import Dataset, Features, Value

    queries, passages, relevances = zip(*pairs, strict=True) if pairs else ((), (), ())
    columns = {QUERY: list(queries), PASSAGE: list(passages), RELEVANCE: list(relevances)}
    kinds = {QUERY: Value("string"), PASSAGE: Value("string"), RELEVANCE: Value("float64")}
    return Dataset.from_dict(columns, features=Features(kinds))


def _passages(row: Mapping[str, Any], number: int, where: str) -> Iterator[tuple[str, float]]:
    if _PASSAGES not in row:
        for names, relevance in ((_POSITIVES, 1.0), (_NEGATIVES, 0.0)):
            for text in row[_first(list(row), names) or ""] or ():
                yield str(text), relevance
        return
    given = row[_PASSAGES]
    try:
        if isinstance(given, dict):
            found = list(zip(given[_TEXT], given[_SELECTED], strict=True))
        else:
            found = [(passage[_TEXT], passage[_SELECTED]) for passage in given]
        yield from ((str(text), float(selected)) for text, selected in found)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"row {number}: {_PASSAGES!r} holds no {_TEXT} with {_SELECTED}",
            where=where,
            remedy="write them as MS MARCO does",
        ) from error


def _first(columns: Sequence[str], names: Sequence[str]) -> str | None:
    return next((name for name in names if name in columns), None)
