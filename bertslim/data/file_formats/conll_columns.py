"""Which column of a CoNLL file holds the words, and which the tags."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bertslim.data.file_formats.conll_lines import SPAN_TAG, WordLine
from bertslim.errors import DataError
from bertslim.wording import shown

Sentences = Sequence[Sequence[WordLine]]

_UNIVERSAL = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
_PART_ID = re.compile(r"\d+[-.]\d+")  # 1-2: two words written as one; 1.1: a word left unsaid
_NO_TAG = "_"
_LINES_TO_JUDGE_BY = 20
_REMEDY = "give each word a line with the word in its first column and the tag in its last"


@dataclass(frozen=True)
class ConllColumns:
    """Where words and tags are.

    Attributes:
        names: What each column is called; "tokens" are the words, "tags" their tags.
        numbered: Whether the first column numbers the words.
    """

    names: tuple[str, ...]
    numbered: bool = False

    @property
    def reading(self) -> str:
        """The same in words."""
        places = {name: place for place, name in enumerate(self.names, start=1)}
        tags = f"tags in column {places['tags']}" if "tags" in places else "no tags"
        return f"words in column {places['tokens']} and {tags} of {len(self.names)}"


def is_part(line: WordLine) -> bool:
    """Whether a line of a file with numbered words is no word of its own."""
    return _PART_ID.fullmatch(line.fields[0]) is not None


def find_columns(sentences: Sentences, *, where: str) -> ConllColumns:
    """Find the words and the tags.

    Words are in the first column, or in the second where the first numbers them; tags in the last,
    or in CoNLL-U's column of parts of speech. A last column of `_` alone holds none. If there are
    two columns, and the first alone holds tags such as B-X and O, it is the other way round.

    Args:
        sentences: The lines of each, all of the same number of columns.
        where: The file, for messages.

    Raises:
        DataError: The columns do not look like words and tags.
    """
    columns = list(zip(*(line.fields for sentence in sentences for line in sentence), strict=True))
    _check_no_header(sentences[0][0], columns[-1], where)
    numbered = _are_numbered(sentences) and len(columns) > 1
    if numbered and len(columns) == len(_UNIVERSAL):
        universal = ConllColumns(_UNIVERSAL, numbered)
        return _named(universal, words=1, tags=_UNIVERSAL.index("upos"), columns=columns)
    names = tuple(f"column_{place}" for place in range(1, len(columns) + 1))
    unnamed, first, last = ConllColumns(names, numbered), int(numbered), len(columns) - 1
    while last > first and not any(map(str.strip, columns[last])):
        last -= 1  # each line ends with a separator
    if last == first:
        return _named(unnamed, words=first, tags=None, columns=columns)
    if not _are_span_tags(columns[last]):
        if len(columns) == 2 and _are_span_tags(columns[first]):
            return _named(unnamed, words=last, tags=first, columns=columns)
        _check_words(sentences, first, columns, where)
    return _named(unnamed, words=first, tags=last, columns=columns)


def _check_no_header(first: WordLine, tags: Sequence[str], where: str) -> None:
    """Refuse a first line that names the columns, above others that end in tags such as B-PER.

    Raises:
        DataError: It does.
    """
    if not SPAN_TAG.fullmatch(tags[0].strip()) and len(tags) > 1 and _are_span_tags(tags[1:]):
        raise DataError(
            f"line {first.number} ends in {shown(tags[0].strip())}, all others in tags such as O",
            where=where,
            remedy="leave out a line of names, or correct the tag",
        )


def _are_numbered(sentences: Sentences) -> bool:
    """Whether the first column numbers the words of each sentence from 1."""
    numbers = [[line.fields[0] for line in sentence if not is_part(line)] for sentence in sentences]
    return max(map(len, numbers), default=0) > 1 and all(
        found == [str(place) for place in range(1, len(found) + 1)] for found in numbers
    )


def _named(
    found: ConllColumns, *, words: int, tags: int | None, columns: Sequence[Sequence[str]]
) -> ConllColumns:
    names = list(found.names)
    names[words] = "tokens"
    if tags is not None and set(columns[tags]) != {_NO_TAG}:
        names[tags] = "tags"
    return replace(found, names=tuple(names))


def _are_span_tags(column: Sequence[str]) -> bool:
    """Whether all are such as O and B-PER, and not all O."""
    distinct = {field.strip() for field in column}
    return distinct != {"O"} and all(map(SPAN_TAG.fullmatch, distinct))


def _check_words(
    sentences: Sentences, first: int, columns: Sequence[Sequence[str]], where: str
) -> None:
    """Refuse a first column that holds tags, or the same in all lines, such as a document's name.

    Raises:
        DataError: It does.
    """
    longest = max(sentences, key=len)
    number = longest[0].number
    same = len(longest) > 2 and all(
        len({line.fields[first] for line in sentence}) == 1 for sentence in sentences
    )
    if same:
        what = f"column {first + 1} is the same in each sentence, as in line {number}: no words"
        raise DataError(what, where=where, remedy=_REMEDY)
    fewer = len(set(columns[first])) < len(set(columns[-1]))
    if _are_span_tags(columns[first]) or (fewer and len(columns[0]) >= _LINES_TO_JUDGE_BY):
        what = f"column {first + 1} looks like tags and the last, as in line {number}, like words"
        raise DataError(what, where=where, remedy=_REMEDY)
