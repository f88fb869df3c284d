"""Labels as they stand in the data -> the ids that the model's outputs have."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bertslim.errors import DataError
from bertslim.wording import listed

_WHOLE = re.compile(r"(\d+)(\.0+)?")
_HIDDEN = -1  # how declared classes mark a label that is kept secret
_GENERIC = re.compile(r"LABEL_(\d+)")
REMEDY = "correct the data, or name another column with --label-column"


@dataclass(frozen=True)
class Labels:
    """Labels as ids.

    Attributes:
        ids: The id of each row; of several labels a text, a 0 or 1 for each.
        names: The names in the order of the ids.
        notes: What a reader of the result should know.
    """

    ids: tuple[Any, ...]
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()


def read_labels(
    values: Sequence[object],
    rows: Sequence[int],
    *,
    class_names: Sequence[str] | None,
    model_names: Sequence[str] | None,
    where: str,
) -> Labels:
    """Turn labels into ids.

    With the model's names, all labels are taken by exact name if all have one, else by name without
    regard to case, else by number (2, LABEL_2, or the class's own number in the data). Without, the
    ids number the data's own classes: as the data does, else in numerical or alphabetical order.

    Args:
        values: Labels as the table holds them.
        rows: The row number of each, from 1, for messages.
        class_names: The names that numbers in `values` stand for, if the table declares them.
        model_names: The model's names in the order of its ids, if known.
        where: The source, for messages.

    Raises:
        DataError: A row has no label, something that cannot be one, or one unknown to the model.
    """
    words = []
    for value, row in zip(values, rows, strict=True):
        word = _word(value, class_names)
        if word is None:
            what = "no label" if _is_missing(value) else f"{value!r} cannot be a label"
            raise DataError(f"row {row}: {what}", where=where, remedy=REMEDY)
        words.append(word)
    if model_names is None:
        return _own_ids(words, class_names, where)
    return _model_ids(words, rows, class_names, model_names, where)


def _word(value: object, class_names: Sequence[str] | None) -> str | None:
    """Return the label as a word; None where there is none or it cannot be one."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        if class_names is None:
            return str(value)
        return class_names[value] if 0 <= value < len(class_names) else None
    return value.strip() or None if isinstance(value, str) else None


def _is_missing(value: object) -> bool:
    not_a_number = isinstance(value, float) and math.isnan(value)
    return not_a_number or value in (None, _HIDDEN) or not str(value).strip()


def _own_ids(words: list[str], class_names: Sequence[str] | None, where: str) -> Labels:
    numbers = {word: _number(word) for word in words}
    if class_names is not None:
        names = tuple(class_names)
    elif None not in numbers.values():
        words = [str(numbers[word]) for word in words]
        names = tuple(sorted(set(words), key=int))
    elif all(re.fullmatch(r"-?\d+\.\d+|\d+", word) for word in numbers):
        score = next(word for word in words if numbers[word] is None)
        raise DataError(
            f"the labels are numbers such as {score}, not classes", where=where, remedy=REMEDY
        )
    else:
        names = tuple(sorted(numbers))
    ids = {name: number for number, name in enumerate(names)}
    return Labels(tuple(ids[word] for word in words), names)


def _model_ids(
    words: list[str],
    rows: Sequence[int],
    class_names: Sequence[str] | None,
    names: Sequence[str],
    where: str,
) -> Labels:
    distinct = dict.fromkeys(words)
    best: dict[str, int] = {}
    for way in _ways(class_names, names):
        ids = {word: number for word in distinct if (number := way(word)) is not None}
        if len(ids) == len(distinct):
            notes = _notes_on_numbers(ids, class_names, names)
            return Labels(tuple(ids[word] for word in words), tuple(names), notes)
        best = max(best, ids, key=len)
    row, unknown = next(pair for pair in zip(rows, words, strict=True) if pair[1] not in best)
    raise DataError(
        f"row {row}: the model does not know the label {unknown!r}, its labels are {listed(names)}",
        where=where,
        remedy=f"{REMEDY}, or compare the models on the texts alone with --task plain-text",
    )


def _ways(
    class_names: Sequence[str] | None, names: Sequence[str]
) -> tuple[Callable[[str], int | None], ...]:
    """Ways to find a label's id, the surest first; they are not mixed, since ids might clash."""
    exact = {name: number for number, name in enumerate(names)}
    folded = {name.casefold(): number for number, name in enumerate(names)}

    def by_number(word: str) -> int | None:
        if class_names is not None and word in class_names and len(class_names) == len(names):
            return class_names.index(word)
        number = _number(word)
        return number if number is not None and number < len(names) else None

    def by_folded_name(word: str) -> int | None:
        return folded.get(word.casefold()) if len(folded) == len(exact) else None

    return exact.get, by_folded_name, by_number


def _number(word: str) -> int | None:
    match = _WHOLE.fullmatch(word) or _GENERIC.fullmatch(word)
    return int(match[1]) if match else None


def _notes_on_numbers(
    ids: dict[str, int], class_names: Sequence[str] | None, names: Sequence[str]
) -> tuple[str, ...]:
    """Note where named classes of the data were taken for the model's classes by number alone."""
    unlike = [
        f"{word} is {names[number]}"
        for word, number in ids.items()
        if class_names is not None
        and word.casefold() != names[number].casefold()
        and not _GENERIC.fullmatch(names[number])
        and _number(word) is None
    ]
    return (f"labels taken by number, not by name: {listed(unlike)}",) if unlike else ()
