"""Text files in UTF-8, plain or gzipped: their lines, and a table of them."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, cast

from datasets import Dataset, Features, Value

from bertslim.data.file_formats.conll_lines import SPAN_TAG
from bertslim.data.file_formats.foreign_files import LONGEST_START, check_start
from bertslim.data.source_table import SourceTable
from bertslim.errors import DataError

_SAVE_AS_UTF8 = "save it as UTF-8"


def read_text(file: Path, *, where: str) -> SourceTable:
    """Read a text a line.

    Raises:
        DataError: The file cannot be read or unpacked, is not text in UTF-8, or looks like CoNLL.
    """
    texts = [line.rstrip("\r\n") for line in text_lines(file, where=where)]
    _check_no_tags(texts, where)
    rows = Dataset.from_dict({"text": texts}, features=Features({"text": Value("string")}))
    return SourceTable(where, rows)


def text_lines(file: Path, *, where: str) -> Iterator[str]:
    """Yield the lines with their ends as they are, without a byte order mark.

    Raises:
        DataError: The file cannot be read or unpacked, or is not text in UTF-8.
    """
    try:
        with _open_binary(file) as binary:
            check_start(cast(io.BufferedReader, binary).peek(LONGEST_START), where=where)
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


def _check_no_tags(texts: Sequence[str], where: str) -> None:
    """Refuse lines that all end in a tag, such as B-PER and O: those of a CoNLL file are no texts.

    Raises:
        DataError: They do.
    """
    lines = [text.split() for text in texts if text.strip() and not text.startswith("#")]
    tags = {line[-1] for line in lines if len(line) > 1 and SPAN_TAG.fullmatch(line[-1])}
    if tags - {"O"} and all(len(line) > 1 and line[-1] in tags for line in lines):
        raise DataError(
            "its lines look like words with tags",
            where=where,
            remedy="end its name in .conll to have them read so",
        )
