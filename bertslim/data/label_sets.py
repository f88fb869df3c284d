"""Any number of labels a text, as they stand in the data -> a 0 or 1 for each of the classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bertslim.data.class_labels import ClassRule, settle_labels
from bertslim.data.data_options import LabelsAs
from bertslim.data.label_lists import (
    forms_of,
    is_vector,
    lists_of,
    repeats_a_number,
    written,
    yes_or_no,
)
from bertslim.data.label_ways import fold
from bertslim.data.labels import REMEDY, LabelRule, RawLabels
from bertslim.errors import DataError
from bertslim.wording import counted, listed, shown


@dataclass(frozen=True)
class SetRule(LabelRule):
    """Lists of labels.

    Attributes:
        form: How a text holds several labels; None: the data hold lists.
        members: The rule for each of the labels.
    """

    form: str | None = None
    members: ClassRule | None = None

    def read(self, labels: RawLabels) -> tuple[list[int], ...]:
        """Return a 0 or 1 for each class."""
        sets = lists_of(labels, self.form)
        ids = iter(self.members.read(_flat(labels, sets)) if self.members else ())
        chosen = [{next(ids) for _ in members} for members in sets]
        classes = range(len(self.names))
        return tuple([int(number in members) for number in classes] for members in chosen)


@dataclass(frozen=True)
class VectorRule(LabelRule):
    """Lists of a 0 or 1 for each class.

    Attributes:
        form: How a text holds them; None: the data hold lists.
        order: The place of each class in the list; none: that of its id.
    """

    form: str | None = None
    order: tuple[int, ...] = ()

    def read(self, labels: RawLabels) -> tuple[list[int], ...]:
        """Return a 0 or 1 for each class."""
        order = self.order or range(len(self.names))
        return tuple(
            [yes_or_no(members[place]) or 0 for place in order]
            for members in lists_of(labels, self.form)
        )


def settle_label_sets(
    sources: Sequence[RawLabels],
    *,
    model_names: Sequence[str] | None,
    labels_as: LabelsAs | None = None,
) -> LabelRule:
    """Settle how lists of labels, or texts such as "a|b", are read, by those of all sources.

    Lists that hold a 0 or 1 for each class in every row are vectors, all others lists of labels. A
    text without a label is fine. Arguments and the meaning of names are those of `settle_labels`.

    Raises:
        DataError: Something cannot be labels, or is unknown to the model.
    """
    errors = []
    for form in forms_of(sources, model_names):
        try:
            return _settle(sources, form, model_names, labels_as)
        except DataError as error:
            errors.append(error)
    raise errors[min(1, len(errors) - 1)]  # where texts may be parted, not that of the whole text


def _settle(
    sources: Sequence[RawLabels],
    form: str | None,
    model_names: Sequence[str] | None,
    labels_as: LabelsAs | None,
) -> LabelRule:
    sets = [lists_of(labels, form) for labels in sources]
    length = len(model_names) if model_names else _usual_length(sets)
    vectors = all(is_vector(members, length) for rows in sets for members in rows)
    repeated = any(repeats_a_number(members) for rows in sets for members in rows)
    if labels_as == "vectors" or (labels_as is None and (vectors or repeated)):
        sure = repeated or length > 2  # a list of two may name both classes
        return _vector_rule(sources, sets, length, form, model_names, sure=sure)
    if repeated:
        raise DataError(
            "a row holds a number twice, as vectors of 0 and 1 do",
            where=sources[0].source,
            remedy=f"labels are read as {labels_as} here, --labels-as vectors reads them otherwise",
        )
    members = [_flat(labels, rows) for labels, rows in zip(sources, sets, strict=True)]
    rule = settle_labels(members, model_names=model_names, labels_as=labels_as)
    account = f"{rule.account}, any number a text{written(form)}"
    return SetRule(rule.names, account, rule.labels_as, rule.notes, form, rule)


def _vector_rule(
    sources: Sequence[RawLabels],
    sets: Sequence[Sequence[list[Any]]],
    length: int,
    form: str | None,
    model_names: Sequence[str] | None,
    *,
    sure: bool,
) -> VectorRule:
    for labels, rows in zip(sources, sets, strict=True):
        for row, members in zip(labels.rows, rows, strict=True):
            if not is_vector(members, length):
                raise DataError(
                    f"row {row}: {_shown(members)} is no vector of {length} values, each 0 or 1",
                    where=labels.source,
                    remedy=f"{REMEDY}, or read the labels otherwise with --labels-as",
                )
    names = model_names or _declared_names(sources, length)
    account = f"{counted(length, 'label', 'labels')}, read as vectors of 0 and 1{written(form)}"
    note = "the lists of two also fit as ids; they were read as vectors: --labels-as ids reads ids"
    return VectorRule(tuple(names), account, "vectors", () if sure else (note,), form)


def _usual_length(sets: Sequence[Sequence[list[Any]]]) -> int:
    lengths = Counter(len(members) for rows in sets for members in rows)
    return lengths.most_common(1)[0][0]


def _declared_names(sources: Sequence[RawLabels], length: int) -> Sequence[str]:
    declared = (labels.class_names for labels in sources)
    own = next((names for names in declared if names and len(names) == length), None)
    return own or [f"LABEL_{number}" for number in range(length)]


def _flat(labels: RawLabels, sets: Sequence[Sequence[Any]]) -> RawLabels:
    """Return the labels of all rows, each with the number of its row."""
    return replace(
        labels,
        values=[label for members in sets for label in members],
        rows=[row for members, row in zip(sets, labels.rows, strict=True) for _ in members],
    )


def _shown(members: Sequence[Any]) -> str:
    return shown(", ".join(map(str, members)))


def settle_label_columns(
    names: Sequence[str], *, model_names: Sequence[str] | None, where: str
) -> VectorRule:
    """Settle which class each column of 0 and 1 is for.

    Args:
        names: What the columns are called.
        model_names: The model's names in the order of its ids, if known.
        where: The source, for messages.

    Raises:
        DataError: The names are not the model's.
    """
    known = tuple(model_names or names)
    ordered = columns_of_classes(names, known)
    if len(ordered) != len(names):
        raise DataError(
            f"the columns of labels are {listed(names)}, the model's labels {listed(known)}",
            where=where,
            remedy="name a column for each of them with --label-column",
        )
    account = f"{counted(len(known), 'label', 'labels')}, read from a column of 0 and 1 for each"
    return VectorRule(known, account, order=tuple(map(names.index, ordered)))


def columns_of_classes(columns: Sequence[str], classes: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that are called as the classes, in their order; none if one is missing."""
    by_name = {fold(column): column for column in columns}
    found = tuple(by_name[fold(name)] for name in classes if fold(name) in by_name)
    return found if len(set(found)) == len(classes) else ()


def join_columns(columns: Sequence[RawLabels], names: Sequence[str]) -> RawLabels:
    """Make one list a row of a column of 0 and 1 for each class.

    Raises:
        DataError: A value is neither 0 nor 1.
    """
    for name, column in zip(names, columns, strict=True):
        for value, row in zip(column.values, column.rows, strict=True):
            if yes_or_no(value) is None:
                raise DataError(
                    f"row {row}: column {name!r} holds neither 0 nor 1",
                    where=column.source,
                    remedy=REMEDY,
                )
    rows = [list(row) for row in zip(*(column.values for column in columns), strict=True)]
    return replace(columns[0], values=rows, class_names=None)
