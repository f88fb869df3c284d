"""Parquet files -> a table, with the names of classes that `datasets` keeps in them."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bertslim.data.file_formats.foreign_files import LONGEST_START, check_start
from bertslim.data.file_formats.header import plain_names
from bertslim.data.source_table import SourceTable, rows_in_memory
from bertslim.errors import DataError
from bertslim.printable import one_line

_MARK = b"PAR1"
# What the readers raise for damaged files: of Arrow, and of the features that `datasets` keeps.
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, pa.ArrowException)


def read_parquet(file: Path, *, where: str) -> SourceTable:
    """Read all columns.

    Args:
        file: The file.
        where: What to call it in messages.

    Raises:
        DataError: It is not Parquet, is damaged, holds text that is not UTF-8, or columns of one
            name.
    """
    try:
        with file.open("rb") as binary:
            start = binary.read(LONGEST_START)
        if not start.startswith(_MARK):
            check_start(start, where=where)
        table = pq.ParquetFile(file).read()
        table.validate(full=True)  # the reader lets invalid UTF-8 through
        names = plain_names(table.column_names, where=where)
        rows = rows_in_memory(_decoded(table))
    except _UNREADABLE as error:
        if "Invalid UTF8" in str(error) or isinstance(error, UnicodeDecodeError):
            raise DataError("the text is not valid UTF-8", where=where) from error
        reason = textwrap.shorten(one_line(str(error)) or type(error).__name__, 200)
        raise DataError(f"cannot be read as parquet: {reason}", where=where) from error
    if names != table.column_names:
        rows = rows.rename_columns(dict(zip(table.column_names, names, strict=True)))
    return SourceTable(where, rows)


def _decoded(table: pa.Table) -> pa.Table:
    """Write out the values of dictionaries, as pandas stores categories: `datasets` has no such."""
    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            plain = field.with_type(field.type.value_type)
            table = table.set_column(place, plain, table[place].cast(plain.type))
    return table
