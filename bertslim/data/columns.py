"""Which columns of a table hold the texts, the words, the labels or the scores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from bertslim.errors import DataError
from bertslim.wording import did_you_mean, listed

if TYPE_CHECKING:
    from datasets import Dataset

_SINGLE_TEXTS = {"text", "sentence", "content", "review", "document", "comment", "message", "tweet"}
# Two of these in one table that are no pair of `_PAIRS` are not guessed at.
_PART_TEXTS = {"question", "answer", "answers", "context", "passage", "query", "utterance"}
_PAIRS = (
    ("sentence1", "sentence2"),
    ("sentence_1", "sentence_2"),
    ("sentence_a", "sentence_b"),
    ("text1", "text2"),
    ("text_1", "text_2"),
    ("text_a", "text_b"),
    ("text", "text_pair"),
    ("question1", "question2"),
    ("premise", "hypothesis"),
    ("query", "passage"),
    ("query", "document"),
    ("query", "text"),
    ("question", "sentence"),
    ("question", "passage"),
    ("question", "answer"),
    ("question", "context"),
    ("anchor", "positive"),
)
_TEXT_NAMES = frozenset(_SINGLE_TEXTS | _PART_TEXTS)
LABEL_NAMES = ("label", "labels", "class", "target", "category", "sentiment", "intent")
SCORE_NAMES = (
    "score",
    "similarity",
    "similarity_score",
    "relatedness_score",
    "rating",
    "relevance",
)
WORD_NAMES = ("tokens", "words")
TAG_NAMES = ("ner_tags", "tags", "labels", "ner", "label", "pos_tags", "chunk_tags")
_USUAL_NAMES = frozenset(
    {*_TEXT_NAMES, *(name for pair in _PAIRS for name in pair)}
    | {*LABEL_NAMES, *SCORE_NAMES, *WORD_NAMES, *TAG_NAMES, "id", "idx", "index"}
)


def find_text_columns(table: Dataset, named: Sequence[str], *, where: str) -> tuple[str, ...]:
    """Return the column of the texts, or the two of a pair.

    It is those named, else a pair of usual names, else one of a usual name, else the only one.

    Raises:
        DataError: A named one is missing, or none or several could be meant.
    """
    names: list[str] = table.column_names
    if named:
        if len(named) > 2:
            raise DataError(
                f"{len(named)} columns of texts are more than a model takes",
                where="--text-column",
                remedy="name one, or two for pairs",
            )
        return tuple(_existing(name, names, option="--text-column", where=where) for name in named)
    strings = [name for name in names if _holds_strings(table, name)]
    by_lower: dict[str, list[str]] = {}
    for name in strings:
        by_lower.setdefault(name.lower(), []).append(name)
    pairs = [pair for pair in _PAIRS if set(pair) <= by_lower.keys()]
    if len(pairs) == 1:
        (first, *others), (second, *more) = (by_lower[name] for name in pairs[0])
        if not others and not more:
            return first, second
    usual = [name for name in strings if name.lower() in _TEXT_NAMES]
    if len(usual) == 1:
        return (usual[0],)
    texts = [
        name
        for name in strings
        if name.lower() not in LABEL_NAMES and not are_numbers(table[name][:])
    ]
    if not usual and len(texts) == 1:
        return (texts[0],)
    raise DataError(
        f"cannot tell which column holds the texts; the columns are {listed(names)}",
        where=where,
        remedy="name it with --text-column",
    )


def find_label_columns(
    table: Dataset,
    named: Sequence[str],
    texts: Sequence[str],
    *,
    where: str,
    usual: Sequence[str] = LABEL_NAMES,
) -> tuple[str, ...]:
    """Return the columns of the labels: those named, else "label", else one of a usual name.

    Raises:
        DataError: A named one is missing or holds the texts, or several could be meant.
    """
    names: list[str] = [name for name in table.column_names if name not in texts]
    if named:
        return tuple(_existing(name, names, option="--label-column", where=where) for name in named)
    firsts = [name for name in names if name.lower() == usual[0]]
    if len(firsts) == 1:
        return (firsts[0],)
    candidates = [name for name in names if name.lower() in usual]
    if len(candidates) > 1:
        raise DataError(
            f"several columns could hold the labels: {listed(candidates)}",
            where=where,
            remedy="name one with --label-column",
        )
    return tuple(candidates)


def find_word_column(table: Dataset, named: Sequence[str]) -> str | None:
    """Return the column of lists of words: the named one, else one of a usual name."""
    lists = [name for name in table.column_names if holds_lists(table, name)]
    names = named if len(named) == 1 else WORD_NAMES if not named else ()
    return next((name for name in names if name in lists), None)


def find_tag_column(
    table: Dataset, named: Sequence[str], words: str, *, where: str
) -> tuple[str, ...]:
    """Return the column of lists of tags: the named one, else the first of the usual names.

    Raises:
        DataError: The named one is missing or holds no lists, or several are named.
    """
    lists = [name for name in table.column_names if holds_lists(table, name) and name != words]
    if named:
        return tuple(_existing(name, lists, option="--label-column", where=where) for name in named)
    return tuple(name for name in TAG_NAMES if name in lists)[:1]


def is_usual_name(name: str) -> bool:
    """Whether columns of data are often named so."""
    return name.strip().lower() in _USUAL_NAMES


def _holds_strings(table: Dataset, name: str) -> bool:
    """Whether the column's type is a string; also mixed JSON, whose bad rows are named later."""
    kind = table.features[name]
    mixed = type(kind).__name__ == "Json"
    return mixed or getattr(kind, "dtype", "") in {"string", "large_string", "string_view"}


def holds_lists(table: Dataset, name: str) -> bool:
    """Whether the column's type is a list."""
    return type(table.features[name]).__name__ in {"List", "LargeList"}


def class_names(table: Dataset, name: str) -> Sequence[str] | None:
    """Return the names that the numbers of a column stand for, if the table declares them."""
    kind = table.features[name]
    names: Sequence[str] | None = getattr(getattr(kind, "feature", kind), "names", None)
    return names


def are_numbers(values: Iterable[object]) -> bool:
    """Whether all values can be read as numbers; blank ones do not count."""
    return all(_is_number(value) for value in values)


def _is_number(value: object) -> bool:
    try:
        float(str(value) or "0")
    except ValueError:
        return False
    return True


def _existing(name: str, names: Sequence[str], *, option: str, where: str) -> str:
    if name in names:
        return name
    columns = listed(names) if names else "none besides the texts"
    hint = did_you_mean(name, names)
    raise DataError(
        f"no column {name!r} for {option}; the columns are {columns}", where=where, remedy=hint
    )
