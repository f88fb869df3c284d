"""CSV and TSV files -> a table of strings; the data settle how their fields are told apart."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pyarrow as pa

from bertslim.data.columns import is_usual_name
from bertslim.data.file_formats.delimited_records import (
    SEPARATORS,
    DelimitedForm,
    header_of,
    misfit_of,
    numbered_records,
    records,
)
from bertslim.data.file_formats.header import check_header, plain_names
from bertslim.data.file_formats.list_cells import read_lists
from bertslim.data.file_formats.quoted_fields import are_enclosed
from bertslim.data.file_formats.text_files import text_lines
from bertslim.data.file_formats.unquoted_separators import find_text_column
from bertslim.data.source_table import SourceTable, rows_in_memory
from bertslim.errors import DataError, UnfitForm
from bertslim.wording import counted

_USUAL_SEPARATORS = {"csv": ",", "tsv": "\t"}
_ENCLOSE, _PART_OF_TEXTS = "quotes enclose fields", "quotes are part of the texts"
_EXCEL_MARK = re.compile(r"sep=.", re.IGNORECASE)
_ROWS_AT_A_TIME = 50_000  # that are held as Python's own strings


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
    try:
        first, table = _read(file, form, where)
    except UnfitForm as misfit:
        form = _with_longer_rows(file, form, where, misfit)
        first, table = _read(file, form, where)
    check_header(first, table, named, where=where)
    table, lists = read_lists(table, named, where=where)
    return SourceTable(where, rows_in_memory(table), (*form.reading, *lists))


def _read(file: Path, form: DelimitedForm, where: str) -> tuple[Sequence[str], pa.Table]:
    """Return the first record and a table of the others."""
    found = records(file, form, where)
    first = next(found, [])
    return first, _table(found, plain_names(first, where=where))


def _table(found: Iterator[list[str]], names: Sequence[str]) -> pa.Table:
    schema = pa.schema([(name, pa.string()) for name in names])
    chunks = []
    while chunk := list(islice(found, _ROWS_AT_A_TIME)):
        columns = [pa.array(column, pa.string()) for column in zip(*chunk, strict=True)]
        chunks.append(pa.Table.from_arrays(columns, schema=schema))
    return pa.concat_tables(chunks) if chunks else schema.empty_table()


def _settle(file: Path, kind: str, where: str) -> DelimitedForm:
    """Return the one form under which every row has the fields of the header.

    Raises:
        DataError: There are several.
    """
    usual = _USUAL_SEPARATORS[kind]
    forms = {mark: _form(file, mark, usual, where) for mark in _possible(file, usual, where)}
    parting = {mark: form for mark, form in forms.items() if len(header_of(file, form, where)) > 1}
    if len(parting) < 2:
        return next(iter(parting.values()), forms[usual])
    fitting = [form for form in parting.values() if misfit_of(file, form, where) is None]
    telling = [form for form in fitting if any(map(is_usual_name, header_of(file, form, where)))]
    fitting = telling or fitting
    if len(fitting) > 1:
        marks = " or by ".join(SEPARATORS[form.separator] for form in fitting)
        raise DataError(
            f"the columns may be separated by {marks}",
            where=where,
            remedy="put the fields that hold the other in quotes, in the header too",
        )
    return fitting[0] if fitting else parting.get(usual) or next(iter(parting.values()))


def _possible(file: Path, usual: str, where: str) -> list[str]:
    """Return the separators that stand in the first line, and the usual one."""
    first = next((line for line in text_lines(file, where=where) if line.strip()), "")
    if _EXCEL_MARK.fullmatch(first.strip("\r\n")):
        raise DataError(
            f"the first line, {first.strip()}, tells Excel the separator and is no header",
            where=where,
            remedy="leave it out",
        )
    return [mark for mark in SEPARATORS if mark in first or mark == usual]


def _form(file: Path, separator: str, usual: str, where: str) -> DelimitedForm:
    reading = () if separator == usual else (f"columns separated by {SEPARATORS[separator]}",)
    form = DelimitedForm(separator, reading=reading)
    return _form_of_tabs(file, form, where) if separator == "\t" else form


def _form_of_tabs(file: Path, quoted: DelimitedForm, where: str) -> DelimitedForm:
    """Settle what quotes mean: some TSV files have fields in quotes, those of GLUE have not."""
    plain = replace(quoted, quoted=False)
    if not any('"' in line for line in text_lines(file, where=where)):
        return plain
    if misfit_of(file, quoted, where) is not None:
        return plain
    if misfit_of(file, plain, where) is not None:
        return replace(quoted, reading=(*quoted.reading, _ENCLOSE))
    enclosed = are_enclosed(islice(records(file, plain, where), 1, None))
    if enclosed is None:
        return plain
    if enclosed:
        return replace(quoted, reading=(*quoted.reading, _ENCLOSE))
    return replace(plain, reading=(*plain.reading, _PART_OF_TEXTS))


def _with_longer_rows(
    file: Path, form: DelimitedForm, where: str, misfit: UnfitForm
) -> DelimitedForm:
    """Allow for texts that hold the separator, of a writer that knows no quotes.

    Raises:
        UnfitForm: That is not what the rows look like.
    """
    plain = replace(form, quoted=False)
    header, *rows = (fields for _, fields in numbered_records(file, plain, where))
    quoted = any(field.startswith('"') for row in rows for field in row)
    column = None if quoted else find_text_column(rows, len(header), form.separator)
    if column is None:
        raise misfit
    longer = sum(len(row) > len(header) for row in rows)
    mark = SEPARATORS[form.separator]
    told = f"{mark} within {header[column].strip()} in {counted(longer, 'row', 'rows')}"
    return replace(plain, text_column=column, reading=(*form.reading, told))
