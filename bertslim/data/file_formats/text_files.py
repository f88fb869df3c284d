"""Text files in UTF-8, plain or gzipped: their lines, and a table of them."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from datasets import Dataset, Features, Value

from bertslim.data.source_table import SourceTable
from bertslim.errors import DataError

_SAVE_AS_UTF8 = "save it as UTF-8"
_OTHER_ENCODINGS = {  # UTF-32 before UTF-16, whose mark is the beginning of its own
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


def read_text(file: Path, *, where: str) -> SourceTable:
    """Read a text a line.

    Raises:
        DataError: The file cannot be read or unpacked, or is not text in UTF-8.
    """
    texts = [line.rstrip("\r\n") for line in text_lines(file, where=where)]
    rows = Dataset.from_dict({"text": texts}, features=Features({"text": Value("string")}))
    return SourceTable(where, rows)


def text_lines(file: Path, *, where: str) -> Iterator[str]:
    """Yield the lines with their ends as they are, without a byte order mark.

    Raises:
        DataError: The file cannot be read or unpacked, or is not text in UTF-8.
    """
    try:
        with _open_binary(file) as binary:
            _check_encoding(binary, where)
            text = io.TextIOWrapper(binary, encoding="utf-8-sig", newline="")
            for number, line in enumerate(text, start=1):
                if "\0" in line:
                    raise DataError(
                        f"line {number} holds a NUL byte, so that it is not text in UTF-8",
                        where=where,
                        remedy=_SAVE_AS_UTF8,
                    )
                yield line
    except UnicodeDecodeError as error:
        raise DataError("the text is not valid UTF-8", where=where, remedy=_SAVE_AS_UTF8) from error
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot be read: {reason}", where=where) from error


def _open_binary(file: Path) -> BinaryIO:
    if file.name.lower().endswith(".gz"):
        return cast(BinaryIO, gzip.open(file, "rb"))
    return file.open("rb")


def _check_encoding(binary: BinaryIO, where: str) -> None:
    start = cast(io.BufferedReader, binary).peek(4)
    for mark, encoding in _OTHER_ENCODINGS.items():
        if start.startswith(mark):
            raise DataError(f"the text is {encoding}", where=where, remedy=_SAVE_AS_UTF8)
