"""Files that are not what their name says, told by how they begin."""

from __future__ import annotations

import codecs

from bertslim.errors import DataError

LONGEST_START = 64  # bytes

_SAVE_AS_UTF8 = "save it as UTF-8"
_STARTS: tuple[tuple[bytes, str, str], ...] = (
    # UTF-32 before UTF-16, whose mark is the beginning of its own.
    (codecs.BOM_UTF32_LE, "the text is UTF-32", _SAVE_AS_UTF8),
    (codecs.BOM_UTF32_BE, "the text is UTF-32", _SAVE_AS_UTF8),
    (codecs.BOM_UTF16_LE, "the text is UTF-16", _SAVE_AS_UTF8),
    (codecs.BOM_UTF16_BE, "the text is UTF-16", _SAVE_AS_UTF8),
    (b"\x1f\x8b", "it is gzipped", "end its name in .gz"),
    (b"PK\x03\x04", "it is a zip archive or a spreadsheet", "save its table as CSV in UTF-8"),
    (b"PAR1", "it is a Parquet file", "end its name in .parquet"),
    (
        b"version https://git-lfs.github.com/spec/",
        "it is a pointer of Git LFS, not the data",
        "fetch them with `git lfs pull`",
    ),
    (b"<!doctype html", "it is a web page, not the data", "download the file itself"),
)


def check_start(start: bytes, *, where: str) -> None:
    """Check that a file does not begin as one of another kind does.

    Args:
        start: Its first bytes, unpacked, as many as `LONGEST_START`.
        where: What to call the file in messages.

    Raises:
        DataError: It does.
    """
    plain = start.removeprefix(codecs.BOM_UTF8)
    for mark, what, remedy in _STARTS:
        if plain.startswith(mark) or plain.lower().startswith(mark):
            raise DataError(what, where=where, remedy=remedy)
