"""Any number of labels a text, as they stand in the data -> a 0 or 1 for each of the classes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bertslim.data.labels import REMEDY, Labels, read_labels
from bertslim.errors import DataError
from bertslim.wording import listed

_YES_OR_NO = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}


def read_label_sets(
    values: Sequence[object],
    rows: Sequence[int],
    *,
    class_names: Sequence[str] | None,
    model_names: Sequence[str] | None,
    where: str,
) -> Labels:
    """Turn lists of labels, or texts such as "a|b", into a 0 or 1 for each class.

    Arguments and the meaning of names are those of `read_labels`; a text without a label is fine.

    Raises:
        DataError: Something cannot be a label, or is unknown to the model.
    """
    sets = [_members(value, row, where) for value, row in zip(values, rows, strict=True)]
    labels = read_labels(
        [label for members in sets for label in members],
        [row for members, row in zip(sets, rows, strict=True) for _ in members],
        class_names=class_names,
        model_names=model_names,
        where=where,
    )
    ids = iter(labels.ids)
    chosen = [{next(ids) for _ in members} for members in sets]
    classes = range(len(labels.names))
    return Labels(
        tuple([int(number in members) for number in classes] for members in chosen),
        labels.names,
        labels.notes,
    )


def read_label_columns(
    columns: Sequence[Sequence[object]],
    rows: Sequence[int],
    names: Sequence[str],
    *,
    model_names: Sequence[str] | None,
    where: str,
) -> Labels:
    """Turn a column of 0 and 1 for each class into a 0 or 1 for each of the model's classes.

    Args:
        columns: Values as the table holds them, a list a class.
        rows: The row number of each, from 1, for messages.
        names: What the columns are called.
        model_names: The model's names in the order of its ids, if known.
        where: The source, for messages.

    Raises:
        DataError: A value is neither 0 nor 1, or the names are not the model's.
    """
    known = tuple(model_names or names)
    if sorted(known) != sorted(names):
        raise DataError(
            f"the columns of labels are {listed(names)}, the model's labels {listed(known)}",
            where=where,
            remedy="name a column for each of them with --label-column",
        )
    chosen = [[_yes_or_no(value) for value in columns[names.index(name)]] for name in known]
    for name, values in zip(known, chosen, strict=True):
        if None in values:
            row = rows[values.index(None)]
            raise DataError(
                f"row {row}: column {name!r} holds neither 0 nor 1", where=where, remedy=REMEDY
            )
    return Labels(tuple(list(row) for row in zip(*chosen, strict=True)), known)


def _members(value: object, row: int, where: str) -> list[object]:
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return [part for part in re.split(r"\s*\|\s*", value.strip()) if part]
    if isinstance(value, list):
        return value
    if isinstance(value, int):
        return [value]
    raise DataError(f"row {row}: {value!r} cannot be labels", where=where, remedy=REMEDY)


def _yes_or_no(value: object) -> int | None:
    return _YES_OR_NO.get(str(value).strip().lower())
