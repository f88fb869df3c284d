"""Sentences of words, and their tags as a table holds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bertslim.data.columns import class_names, find_tag_column, find_word_column
from bertslim.data.labels import REMEDY, RawLabels
from bertslim.data.source_table import SourceTable
from bertslim.data.table_texts import read_words
from bertslim.data.task import IGNORED, ColumnNames
from bertslim.errors import DataError
from bertslim.wording import counted


@dataclass(frozen=True)
class Sentences:
    """The sentences of one source, as its table holds them.

    Attributes:
        source: What the user gave.
        word_column: The name of the column of words.
        words: The words of each sentence that is not empty.
        rows: The row number of each, from 1, for messages.
        tag_columns: The name of the column of tags, none where there is none.
        tags: A tag for each word.
        class_names: The names that numbers in the tags stand for, if the table declares them.
        notes: What a reader of the result should know.
    """

    source: str
    word_column: str
    words: list[list[str]]
    rows: list[int]
    tag_columns: tuple[str, ...] = ()
    tags: tuple[Sequence[Any], ...] = ()
    class_names: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()

    @property
    def flat(self) -> RawLabels:
        """The tags that are to be read, one after the other."""
        pairs = [
            (tag, row)
            for tags, row in zip(self.tags, self.rows, strict=True)
            for tag in tags
            if not is_ignored(tag)
        ]
        values, rows = [tag for tag, _ in pairs], [row for _, row in pairs]
        return RawLabels(values, rows, self.source, self.class_names)


def find_sentences(source: SourceTable, column_names: ColumnNames) -> Sentences:
    """Find the words of each sentence and, if there are any, their tags; empty ones are left out.

    Raises:
        DataError: A column is missing, or a sentence has not a tag a word.
    """
    table, where = source.rows, source.source
    column = find_word_column(table, column_names.texts)
    if column is None:
        raise DataError(
            "no column holds lists of words",
            where=where,
            remedy="give a .conll file, or JSON with tokens and ner_tags, or name the column "
            "with --text-column",
        )
    sentences = read_words(table, column, where)
    kept = [row for row, words in enumerate(sentences) if words]
    if not kept:
        raise DataError(f"all rows of column {column!r} are empty", where=where)
    tag_columns = find_tag_column(table, column_names.labels, column, where=where)
    if len(tag_columns) > 1:
        raise DataError("a word has one tag", where="--label-column", remedy="name one column")
    words, rows = [sentences[row] for row in kept], [row + 1 for row in kept]
    empty = len(sentences) - len(kept)
    notes = (f"{counted(empty, 'empty row', 'empty rows')} left out",) if empty else ()
    found = Sentences(where, column, words, rows, notes=notes)
    if not tag_columns:
        return found
    values = table[tag_columns[0]][:]
    tags = tuple(values[row] or [] for row in kept)
    _check_lengths(words, tags, rows, where)
    if all(is_ignored(tag) for own in tags for tag in own) and not column_names.labels:
        note = (
            f"every tag in column {tag_columns[0]!r} is {IGNORED}, which marks words not to count"
        )
        return replace(found, notes=(*notes, note))
    declared = tuple(class_names(table, tag_columns[0]) or ()) or None
    return replace(found, tag_columns=tag_columns, tags=tags, class_names=declared)


def _check_lengths(
    words: Sequence[Sequence[str]], tags: Sequence[Sequence[Any]], rows: Sequence[int], source: str
) -> None:
    for sentence, own, row in zip(words, tags, rows, strict=True):
        if len(own) != len(sentence):
            raise DataError(
                f"row {row}: {counted(len(sentence), 'word', 'words')}, but "
                f"{counted(len(own), 'tag', 'tags')}",
                where=source,
                remedy=REMEDY,
            )


def is_ignored(tag: object) -> bool:
    """Whether a tag marks a word that no loss and no score counts."""
    return str(tag).strip() == str(IGNORED)
