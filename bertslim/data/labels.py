"""Labels as they stand in the data, and the rule by which they become ids."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bertslim.data.data_options import LabelsAs
from bertslim.errors import DataError

HIDDEN = "-1"  # how public test sets mark a label that is kept secret
REMEDY = "correct the data, or name another column with --label-column"

Declared = tuple[str, ...] | None
"""The names that numbers stand for, where a table declares them."""


@dataclass(frozen=True)
class RawLabels:
    """The labels of one source as its table holds them.

    Attributes:
        values: A label a row.
        rows: The row number of each, from 1, for messages.
        source: What the user gave, for messages.
        class_names: The names that numbers in `values` stand for, if the table declares them.
    """

    values: Sequence[Any]
    rows: Sequence[int]
    source: str
    class_names: Declared = None

    def only(self, places: Sequence[int]) -> RawLabels:
        """Return some of the labels, those at these places."""
        values, rows = ([side[place] for place in places] for side in (self.values, self.rows))
        return replace(self, values=values, rows=rows)

    @property
    def hidden(self) -> bool:
        """Whether the source keeps all its labels secret."""
        return all(str(value).strip() == HIDDEN for value in self.values)


@dataclass(frozen=True)
class LabelRule(ABC):
    """How the labels of all sources of a run are read.

    Attributes:
        names: The names of the classes in the order of their ids.
        account: The rule in words.
        labels_as: The rule in one word, as `--labels-as` has it; None where the data declare their
            classes or number them on their own.
        notes: What a reader of the result should know.
    """

    names: tuple[str, ...]
    account: str
    labels_as: LabelsAs | None = None
    notes: tuple[str, ...] = ()

    @abstractmethod
    def read(self, labels: RawLabels) -> tuple[Any, ...]:
        """Turn the labels of one of the sources into ids: one, or a 0 or 1 for each class."""


def words_of(labels: RawLabels) -> Iterator[tuple[str, int]]:
    """Return each label as a word, with its row.

    Raises:
        DataError: There is none, or it cannot be one.
    """
    for value, row in zip(labels.values, labels.rows, strict=True):
        word = _word(value, labels.class_names)
        if word is None:
            what = "no label" if _is_missing(value) else f"{value!r} cannot be a label"
            raise DataError(f"row {row}: {what}", where=labels.source, remedy=_remedy(value))
        yield word, row


def _word(value: object, class_names: Declared) -> str | None:
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
    return not_a_number or value is None or str(value).strip() in ("", HIDDEN)


def _remedy(value: object) -> str:
    if isinstance(value, list):
        return (
            f"{REMEDY}; a model for several labels a text says so with problem_type "
            "multi_label_classification in config.json"
        )
    return REMEDY
