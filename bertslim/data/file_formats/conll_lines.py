"""The lines of CoNLL files: which are words, which comments, and what separates their columns."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from bertslim.errors import DataError
from bertslim.wording import counted

SPAN_TAG = re.compile(r"O|[BIESLUM][-_].+")

_DOCUMENT = "-DOCSTART-"
_COMMENT = "#"
_BLANKS = re.compile(r"[ \t]+")
_REMEDY = "give each word a line with its tag in the last column"


class WordLine(NamedTuple):
    """The line of a word: a tuple, since a corpus has millions.

    Attributes:
        number: The number of the line in the file.
        fields: Its columns.
    """

    number: int
    fields: tuple[str, ...]


@dataclass(frozen=True)
class ConllLines:
    """What the lines of a file are.

    Attributes:
        sentences: The words of each sentence, all of the same number of columns.
        separator: What separates the columns.
        comments: How many lines are comments.
        documents: How many lines begin a document.
    """

    sentences: tuple[tuple[WordLine, ...], ...]
    separator: str
    comments: int = 0
    documents: int = 0


def sort_lines(lines: Iterable[str], *, where: str) -> ConllLines:
    """Sort the lines of a file into sentences and comments.

    Columns are separated by tabs if every line has one, else by blanks. A line that begins with #
    is a word if it has all columns, the last of them a tag that other lines have or one such as
    B-X; else it is a comment, and stands between sentences.

    Args:
        lines: The lines of the file.
        where: The file, for messages.

    Raises:
        DataError: A line has not the columns of the first, or a comment stands within a sentence.
    """
    numbered = [(number, line.strip("\r\n")) for number, line in enumerate(lines, start=1)]
    plain = [line for _, line in numbered if _is_plain(line)]
    columns = _Columns.of(plain or [line for _, line in numbered if line.strip(" \t")])
    sentences: list[list[WordLine]] = [[]]
    comments = documents = 0
    for number, line in numbered:
        fields = columns.split(line)
        if not line.strip(" \t"):
            sentences.append([])
        elif line.startswith(_DOCUMENT):
            documents += 1
        elif line.startswith(_COMMENT) and not columns.hold_word(fields):
            _check_between_sentences(sentences[-1], number, where)
            comments += 1
        else:
            columns.check(fields, number, where)
            sentences[-1].append(WordLine(number, fields))
    found = tuple(tuple(sentence) for sentence in sentences if sentence)
    return ConllLines(found, columns.separator, comments, documents)


def _is_plain(line: str) -> bool:
    return bool(line.strip(" \t")) and not line.startswith((_COMMENT, _DOCUMENT))


@dataclass(frozen=True)
class _Columns:
    """How the lines of words are divided.

    Attributes:
        separator: "tabs" or "blanks".
        number: How many columns the first has.
        tags: What stands in the last column of lines that are no comments for certain.
    """

    separator: str
    number: int
    tags: frozenset[str]

    @classmethod
    def of(cls, lines: list[str]) -> _Columns:
        """Settle it by lines that are words for certain."""
        separator = "tabs" if lines and all("\t" in line for line in lines) else "blanks"
        rows = [_split(line, separator) for line in lines]
        tags = frozenset(row[-1].strip() for row in rows)
        return cls(separator, len(rows[0]) if rows else 0, tags)

    def split(self, line: str) -> tuple[str, ...]:
        return _split(line, self.separator)

    def hold_word(self, fields: tuple[str, ...]) -> bool:
        """Whether a line that looks like a comment is a word."""
        if len(fields) != self.number:
            return False
        tag = fields[-1].strip()
        return self.number == 1 or tag in self.tags or bool(SPAN_TAG.fullmatch(tag))

    def check(self, fields: tuple[str, ...], number: int, where: str) -> None:
        if len(fields) != self.number:
            width = counted(len(fields), "column", "columns")
            raise DataError(
                f"line {number} has {width} separated by {self.separator}, the first {self.number}",
                where=where,
                remedy=_REMEDY,
            )


def _split(line: str, separator: str) -> tuple[str, ...]:
    if separator == "tabs":
        return tuple(line.split("\t"))
    return tuple(_BLANKS.split(line.strip(" \t")))


def _check_between_sentences(words: list[WordLine], number: int, where: str) -> None:
    if words:
        raise DataError(
            f"line {number} begins with # within a sentence, and is no word with a tag of others",
            where=where,
            remedy="leave the line out, or put comments before the sentence",
        )
