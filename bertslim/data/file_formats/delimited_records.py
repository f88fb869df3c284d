"""The records of a CSV or TSV file, by one way of telling its fields apart."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bertslim.data.file_formats.text_files import text_lines
from bertslim.errors import DataError, UnfitForm
from bertslim.wording import counted

SEPARATORS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "vertical bars"}


@dataclass(frozen=True)
class DelimitedForm:
    """How the fields of a file are told apart.

    Attributes:
        separator: What stands between two fields.
        quoted: Whether a field may stand in quotes; if not, a quote is a part of its text.
        text_column: The column, from 0, that takes the fields that a row has more than the header,
            since its texts hold the separator; None: no row has more.
        reading: The same in words, as far as it is not usual for the kind of file.
    """

    separator: str
    quoted: bool = True
    text_column: int | None = None
    reading: tuple[str, ...] = ()

    def record(self, fields: Sequence[str], width: int) -> list[str]:
        """Join the fields of a text that holds the separator, so that there are `width` fields."""
        place, more = self.text_column, len(fields) - width
        if place is None or more <= 0:
            return list(fields)
        end = place + more + 1
        return [*fields[:place], self.separator.join(fields[place:end]), *fields[end:]]


def records(file: Path, form: DelimitedForm, where: str) -> Iterator[list[str]]:
    """Yield the fields of each record, of the header first.

    Raises:
        DataError: A record has not the fields of the header, or repeats it, or a quote is out of
            place.
    """
    header: list[str] = []
    for line, fields in numbered_records(file, form, where):
        if header:
            record = form.record(fields, len(header))
            _check_record(record, header, line, form, where)
            yield record
        else:
            header = fields
            yield header


def numbered_records(
    file: Path, form: DelimitedForm, where: str
) -> Iterator[tuple[int, list[str]]]:
    """Yield the line of each record and its fields, however many; blank lines are left out.

    Raises:
        DataError: A quote is out of place.
    """
    csv.field_size_limit(sys.maxsize)  # 131,072 characters by default, which a document exceeds
    reader = csv.reader(
        text_lines(file, where=where),
        delimiter=form.separator,
        quoting=csv.QUOTE_MINIMAL if form.quoted else csv.QUOTE_NONE,
        strict=True,
    )
    line, width = 1, 0
    try:
        for fields in reader:
            width = width or len(fields)
            if not _is_blank(fields, width):
                yield line, fields
            line = reader.line_num + 1
    except csv.Error as error:
        raise UnfitForm(
            f"line {line}: {_reason(error)}",
            where=where,
            remedy="double the quotes within a quoted field",
        ) from error


def header_of(file: Path, form: DelimitedForm, where: str) -> list[str]:
    """Return the fields of the header; none where it is not of this form."""
    try:
        return next(records(file, form, where), [])
    except UnfitForm:
        return []


def misfit_of(file: Path, form: DelimitedForm, where: str) -> UnfitForm | None:
    """Return what is wrong with the first record that is not of this form."""
    try:
        for _ in records(file, form, where):
            pass
    except UnfitForm as misfit:
        return misfit
    return None


def _is_blank(fields: Sequence[str], width: int) -> bool:
    """Whether the line is empty; of one column it is a blank text, which is counted elsewhere."""
    return not fields or (len(fields) == 1 < width and not fields[0].strip())


def _check_record(
    record: Sequence[str], header: Sequence[str], line: int, form: DelimitedForm, where: str
) -> None:
    if len(record) != len(header):
        fields = counted(len(record), "field", "fields")
        mark = SEPARATORS[form.separator]
        raise UnfitForm(
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
