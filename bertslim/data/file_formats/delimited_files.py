"""CSV and TSV files -> a table of strings; the data settle what separates their columns."""

from __future__ import annotations

import csv
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import pyarrow as pa

from bertslim.data.columns import is_usual_name
from bertslim.data.file_formats.header import check_header, plain_names
from bertslim.data.file_formats.list_cells import read_lists
from bertslim.data.file_formats.quoted_fields import are_enclosed
from bertslim.data.file_formats.text_files import text_lines
from bertslim.data.source_table import SourceTable, rows_in_memory
from bertslim.errors import DataError
from bertslim.wording import counted

_SEPARATORS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "vertical bars"}
_USUAL_SEPARATORS = {"csv": ",", "tsv": "\t"}
_ENCLOSE, _PART_OF_TEXTS = "quotes enclose fields", "quotes are part of the texts"
_ROWS_AT_A_TIME = 50_000  # that are held as Python's own strings


@dataclass(frozen=True)
class _Form:
    """How the fields of a file are told apart.

    Attributes:
        separator: What stands between two fields.
        quoted: Whether a field may stand in quotes; if not, a quote is a part of its text.
        reading: The same in words, as far as it is not usual for the kind of file.
    """

    separator: str
    quoted: bool = True
    reading: tuple[str, ...] = ()


class _UnfitForm(DataError):
    """A row has not the fields of the header, or a quote is out of place."""


def read_delimited(file: Path, kind: str, named: Collection[str], *, where: str) -> SourceTable:
    """Read a header and the rows below it, every cell as a string: "007" stays what it is.

    Args:
        file: The file.
        kind: "csv" or "tsv".
        named: The columns that the user named: a line where one stands is a header.
        where: What to call the file in messages.

    Raises:
        DataError: No separator gives each row the fields of the header, or several do; a quote is
            out of place, two columns have one name, or the first line is no header.
    """
    form = _settle(file, kind, where)
    records = _records(file, form, where)
    first = next(records, [])
    table = _table(records, plain_names(first, where=where))
    check_header(first, table, named, where=where)
    table, lists = read_lists(table, named, where=where)
    return SourceTable(where, rows_in_memory(table), (*form.reading, *lists))


def _table(records: Iterator[list[str]], names: Sequence[str]) -> pa.Table:
    schema = pa.schema([(name, pa.string()) for name in names])
    chunks = []
    while chunk := list(islice(records, _ROWS_AT_A_TIME)):
        columns = [pa.array(column, pa.string()) for column in zip(*chunk, strict=True)]
        chunks.append(pa.Table.from_arrays(columns, schema=schema))
    return pa.concat_tables(chunks) if chunks else schema.empty_table()


def _settle(file: Path, kind: str, where: str) -> _Form:
    """Return the one form under which every row has the fields of the header.

    Raises:
        DataError: There are several.
    """
    usual = _USUAL_SEPARATORS[kind]
    forms = {mark: _form(file, mark, usual, where) for mark in _possible(file, usual, where)}
    parting = {mark: form for mark, form in forms.items() if len(_header(file, form, where)) > 1}
    if len(parting) < 2:
        return next(iter(parting.values()), forms[usual])
    fitting = {mark: form for mark, form in parting.items() if _fits(file, form, where)}
    telling = {
        mark: form
        for mark, form in fitting.items()
        if any(map(is_usual_name, _header(file, form, where)))
    }
    fitting = telling or fitting
    if len(fitting) > 1:
        marks = " or by ".join(_SEPARATORS[mark] for mark in fitting)
        raise DataError(
            f"the columns may be separated by {marks}",
            where=where,
            remedy="put the fields that hold the other in quotes, in the header too",
        )
    return next(iter(fitting.values()), parting.get(usual) or next(iter(parting.values())))


def _possible(file: Path, usual: str, where: str) -> list[str]:
    """Return the separators that stand in the first line, and the usual one."""
    first = next((line for line in text_lines(file, where=where) if line.strip()), "")
    return [mark for mark in _SEPARATORS if mark in first or mark == usual]


def _form(file: Path, separator: str, usual: str, where: str) -> _Form:
    reading = () if separator == usual else (f"columns separated by {_SEPARATORS[separator]}",)
    if separator == "\t":
        return _form_of_tabs(file, reading, where)
    return _Form(separator, reading=reading)


def _form_of_tabs(file: Path, reading: tuple[str, ...], where: str) -> _Form:
    """Settle what quotes mean: some TSV files have fields in quotes, those of GLUE have not."""
    plain, quoted = _Form("\t", quoted=False, reading=reading), _Form("\t", reading=reading)
    if not any('"' in line for line in text_lines(file, where=where)):
        return plain
    if not _fits(file, quoted, where):
        return plain
    if not _fits(file, plain, where):
        return replace(quoted, reading=(*reading, _ENCLOSE))
    enclosed = are_enclosed(islice(_records(file, plain, where), 1, None))
    if enclosed is None:
        return plain
    if enclosed:
        return replace(quoted, reading=(*reading, _ENCLOSE))
    return replace(plain, reading=(*reading, _PART_OF_TEXTS))


def _header(file: Path, form: _Form, where: str) -> list[str]:
    try:
        return next(_records(file, form, where), [])
    except _UnfitForm:
        return []


def _fits(file: Path, form: _Form, where: str) -> bool:
    try:
        for _ in _records(file, form, where):
            pass
    except _UnfitForm:
        return False
    return True


def _records(file: Path, form: _Form, where: str) -> Iterator[list[str]]:
    """Yield the fields of each record, of the header first; blank lines are left out.

    Raises:
        DataError: A record has not the fields of the header, or repeats it, or a quote is out of
            place.
    """
    csv.field_size_limit(sys.maxsize)  # 131,072 characters by default, which a document exceeds
    reader = csv.reader(
        text_lines(file, where=where),
        delimiter=form.separator,
        quoting=csv.QUOTE_MINIMAL if form.quoted else csv.QUOTE_NONE,
        strict=True,
    )
    header: list[str] = []
    line = 1
    try:
        for record in reader:
            if not _is_blank(record, header):
                if header:
                    _check_record(record, header, line, form, where)
                header = header or record
                yield record
            line = reader.line_num + 1
    except csv.Error as error:
        raise _UnfitForm(
            f"line {line}: {_reason(error)}",
            where=where,
            remedy="double the quotes within a quoted field",
        ) from error


def _is_blank(record: Sequence[str], header: Sequence[str]) -> bool:
    """Whether the line is empty; of one column it is a blank text, which is counted elsewhere."""
    return not record or (len(record) == 1 < len(header) and not record[0].strip())


def _check_record(
    record: Sequence[str], header: Sequence[str], line: int, form: _Form, where: str
) -> None:
    if len(record) != len(header):
        fields = counted(len(record), "field", "fields")
        mark = _SEPARATORS[form.separator]
        raise _UnfitForm(
            f"line {line} has {fields} separated by {mark}, the header {len(header)}",
            where=where,
            remedy="put each field that holds one in quotes" if form.quoted else None,
        )
    if len(header) > 1 and record == header:
        raise DataError(f"line {line} repeats the header", where=where, remedy="leave the line out")


def _reason(error: csv.Error) -> str:
    words = str(error)
    if "unexpected end" in words:
        return "a quote is opened and never closed"
    return "text follows a closing quote" if "expected after" in words else words
