"""The tables of several files -> one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from datasets import Dataset, concatenate_datasets

from bertslim.data.source_table import SourceTable
from bertslim.errors import DataError
from bertslim.wording import listed


def unite(tables: Sequence[SourceTable], source: str) -> SourceTable:
    """Put the rows of several tables below each other.

    Args:
        tables: Tables with the same columns; those without rows may have none.
        source: What the user gave.

    Raises:
        DataError: The columns differ.
    """
    filled = [table for table in tables if len(table.rows)] or list(tables[:1])
    _check_same_columns(filled)
    rows = [table.rows for table in filled]
    reading = tuple(dict.fromkeys(chain.from_iterable(table.reading for table in filled)))
    return SourceTable(source, _joined(rows), reading)


def _check_same_columns(tables: Sequence[SourceTable]) -> None:
    first = tables[0]
    for table in tables[1:]:
        if set(table.rows.column_names) != set(first.rows.column_names):
            raise DataError(
                f"the columns ({listed(table.rows.column_names)}) are not those of "
                f"{Path(first.source).name} ({listed(first.rows.column_names)})",
                where=table.source,
            )


def _joined(tables: Sequence[Dataset]) -> Dataset:
    """Join tables, whose columns may be of types that fit only together, such as 1 and 0.5."""
    if all(table.features == tables[0].features for table in tables):
        return concatenate_datasets(list(tables))
    columns = {
        name: list(chain.from_iterable(table[name][:] for table in tables))
        for name in tables[0].column_names
    }
    return Dataset.from_dict(columns, on_mixed_types="use_json")
