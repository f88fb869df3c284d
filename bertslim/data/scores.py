"""Scores as they stand in the data -> numbers, by one rule for all sources of a run."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bertslim.data.labels import REMEDY, RawLabels
from bertslim.errors import DataError

_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+")
_PERCENT = re.compile(r"\s*%$")


@dataclass(frozen=True)
class ScoreRule:
    """How the scores of all sources of a run are read.

    Attributes:
        account: The rule in words.
        parse: A score as a number; None where it is none.
    """

    account: str
    parse: Callable[[object], float | None]

    def read(self, scores: RawLabels) -> list[float]:
        """Turn the scores of one of the sources into numbers."""
        return [
            _checked(self.parse(value), value, row, scores.source)
            for value, row in zip(scores.values, scores.rows, strict=True)
        ]


def as_number(value: object) -> float | None:
    """Return a value as a finite number; None where it is none."""
    try:
        number = float(value if isinstance(value, bool) else str(value))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _with_decimal_comma(value: object) -> float | None:
    text = str(value)
    return None if "." in text else as_number(text.replace(",", "."))


def _percent(value: object) -> float | None:
    text, signs = _PERCENT.subn("", str(value))
    return as_number(text.replace(",", ".")) if signs else None


_NUMBERS = ScoreRule("numbers", as_number)
_DECIMAL_COMMAS = ScoreRule("numbers with a decimal comma", _with_decimal_comma)
_PERCENTAGES = ScoreRule("percentages, 85 % as 85", _percent)


def settle_scores(sources: Sequence[RawLabels]) -> ScoreRule:
    """Settle how scores are read, by those of all sources.

    Args:
        sources: The scores of each.

    Raises:
        DataError: A row has no score, or something that is no finite number, or a comma may part
            thousands as well as decimals.
    """
    values = [value for scores in sources for value in scores.values]
    rule = next(
        (rule for rule in (_NUMBERS, _DECIMAL_COMMAS, _PERCENTAGES) if _fits(rule, values)), None
    )
    if rule is None or rule is _DECIMAL_COMMAS:
        _check_commas(sources)
    if rule is None:
        for scores in sources:
            _NUMBERS.read(scores)  # names the row
    return rule or _NUMBERS


def holds_scores(values: Sequence[object]) -> bool:
    """Whether all values are numbers, in one of the ways that scores are written."""
    return any(_fits(rule, values) for rule in (_NUMBERS, _DECIMAL_COMMAS, _PERCENTAGES))


def holds_classes(values: Sequence[object]) -> bool:
    """Whether all scores are whole numbers, which may stand for classes."""
    return all((number := as_number(value)) is not None and number.is_integer() for value in values)


def _fits(rule: ScoreRule, values: Sequence[Any]) -> bool:
    return all(rule.parse(value) is not None for value in values)


def _check_commas(sources: Sequence[RawLabels]) -> None:
    """Refuse commas that may part thousands, where no other one shows that they part decimals."""
    with_comma = [
        (str(value).strip(), row, scores.source)
        for scores in sources
        for value, row in zip(scores.values, scores.rows, strict=True)
        if "," in str(value)
    ]
    if with_comma and all(_THOUSANDS.fullmatch(text) for text, _, _ in with_comma):
        text, row, source = with_comma[0]
        raise DataError(
            f"row {row}: the comma of the score {text!r} may part thousands or decimals",
            where=source,
            remedy="write the scores with a point",
        )


def _checked(number: float | None, value: object, row: int, source: str) -> float:
    if number is None:
        missing = value is None or not str(value).strip()
        what = "no score" if missing else f"the score {value!r} is no finite number"
        raise DataError(f"row {row}: {what}", where=source, remedy=REMEDY)
    return number
