"""Scores as they stand in the data -> numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bertslim.data.labels import REMEDY
from bertslim.errors import DataError


def read_scores(values: Sequence[object], rows: Sequence[int], *, where: str) -> list[float]:
    """Turn scores into numbers.

    Args:
        values: Scores as the table holds them.
        rows: The row number of each, from 1, for messages.
        where: The source, for messages.

    Raises:
        DataError: A row has no score, or something that is no finite number.
    """
    found = []
    for value, row in zip(values, rows, strict=True):
        number = as_number(value)
        if number is None:
            missing = value is None or not str(value).strip()
            what = "no score" if missing else f"the score {value!r} is no finite number"
            raise DataError(f"row {row}: {what}", where=where, remedy=REMEDY)
        found.append(number)
    return found


def as_number(value: object) -> float | None:
    """Return a value as a finite number; None where it is none."""
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if math.isfinite(number) else None
