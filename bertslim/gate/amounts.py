"""Amounts as a person writes them on the command line: 20M, 85MiB, 12ms, 5%."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from bertslim.errors import InputError
from bertslim.wording import shown

COUNTS = {"": 1, "k": 10**3, "M": 10**6, "B": 10**9}
BYTES = {
    "": 1, "B": 1,
    "kB": 10**3, "MB": 10**6, "GB": 10**9,
    "KiB": 2**10, "MiB": 2**20, "GiB": 2**30,
}  # fmt: skip
MILLISECONDS = {"": 1.0, "ms": 1.0, "s": 1000.0}
RATIO = {"": 1.0}
PERCENT = {"": 1.0, "%": 1.0}
POINTS = {"": 1.0, "points": 1.0}

_NUMBER = r"[-+]?(?:\d+(?:_\d+)*(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?"
_AMOUNT = re.compile(rf"({_NUMBER})\s*([^\W\d_]*|%)", re.IGNORECASE)


def read_amount(
    text: str, units: Mapping[str, float], *, option: str, what: str, example: str
) -> float:
    """Read a number with a unit after it, in whatever case.

    Args:
        text: Such as "20M".
        units: What each unit is worth.
        option: Where it was written, for messages.
        what: What it should be, such as "a percentage".
        example: How to write it.

    Raises:
        InputError: It is no number, or the unit is none of those.
    """
    match = _AMOUNT.fullmatch(text.strip())
    worth = {unit.lower(): size for unit, size in units.items()}
    size = worth.get(match[2].lower()) if match else None
    if match is None or size is None or not math.isfinite(float(match[1]) * size):
        raise InputError(f"{shown(text)} is not {what}", where=option, remedy=f"such as {example}")
    return float(match[1]) * size


def written_amount(amount: int, units: Mapping[str, float]) -> str:
    """Write a whole amount in the unit that makes it shortest, without rounding."""
    texts = (
        f"{amount / size:g}{unit}"
        for unit, size in units.items()
        if float(f"{amount / size:g}") * size == amount
    )
    return min((str(amount), *texts), key=len)
