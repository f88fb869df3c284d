"""Which column of a table holds the texts, and which the labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from bertslim.errors import DataError
from bertslim.wording import did_you_mean, listed

if TYPE_CHECKING:
    from datasets import Dataset

_SINGLE_TEXTS = {"text", "sentence", "content", "review", "document", "comment", "message", "tweet"}
# Two of these in one table make a task of two texts, which is not guessed at.
_PAIRED_TEXTS = {"question", "answer", "answers", "context", "passage", "query", "utterance"}
TEXT_NAMES = frozenset(_SINGLE_TEXTS | _PAIRED_TEXTS)
LABEL_NAMES = frozenset({"label", "labels", "class", "target", "category", "sentiment", "intent"})


def find_text_column(table: Dataset, wanted: str | None, *, where: str) -> str:
    """Return the column of the texts: the wanted one, else one of a usual name, else the only one.

    Raises:
        DataError: The wanted one is missing, or none or several could be meant.
    """
    names: list[str] = table.column_names
    if wanted is not None:
        return _existing(wanted, names, option="--text-column", where=where)
    strings = [name for name in names if _holds_strings(table, name)]
    usual = [name for name in strings if name.lower() in TEXT_NAMES]
    if len(usual) == 1:
        return usual[0]
    others = [
        name
        for name in strings
        if name.lower() not in LABEL_NAMES and not _are_numbers(table[name][:])
    ]
    if not usual and len(others) == 1:
        return others[0]
    raise DataError(
        f"cannot tell which column holds the texts; the columns are {listed(names)}",
        where=where,
        remedy="name it with --text-column",
    )


def find_label_column(
    table: Dataset, wanted: str | None, text_column: str, *, where: str
) -> str | None:
    """Return the column of the labels: the wanted one, else "label", else one of a usual name.

    Raises:
        DataError: The wanted one is missing or holds the texts, or several could be meant.
    """
    names: list[str] = [name for name in table.column_names if name != text_column]
    if wanted is not None:
        return _existing(wanted, names, option="--label-column", where=where)
    if "label" in names:
        return "label"
    usual = [name for name in names if name.lower() in LABEL_NAMES]
    if len(usual) > 1:
        raise DataError(
            f"several columns could hold the labels: {listed(usual)}",
            where=where,
            remedy="name one with --label-column",
        )
    return usual[0] if usual else None


def _existing(wanted: str, names: Sequence[str], *, option: str, where: str) -> str:
    if wanted in names:
        return wanted
    columns = listed(names) if names else "none besides the texts"
    hint = did_you_mean(wanted, names)
    raise DataError(
        f"no column {wanted!r} for {option}; the columns are {columns}", where=where, remedy=hint
    )


def _holds_strings(table: Dataset, name: str) -> bool:
    """Whether the column's type is a string; also mixed JSON, whose bad rows are named later."""
    kind = table.features[name]
    mixed = type(kind).__name__ == "Json"
    return mixed or getattr(kind, "dtype", "") in {"string", "large_string", "string_view"}


def _are_numbers(values: Iterable[object]) -> bool:
    return all(_is_number(value) for value in values)


def _is_number(value: object) -> bool:
    try:
        float(str(value) or "0")
    except ValueError:
        return False
    return True
