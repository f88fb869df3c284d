"""Scores in the ways that they are written, settled by those of all sources together."""

from __future__ import annotations

from typing import Any

import pytest

from bertslim.data.labels import REMEDY, RawLabels
from bertslim.data.scores import holds_classes, holds_scores, settle_scores
from bertslim.errors import DataError


def read(*sources: list[Any]) -> tuple[list[float], str]:
    found = [RawLabels(values, range(1, len(values) + 1), "d") for values in sources]
    rule = settle_scores(found)
    return [number for one in found for number in rule.read(one)], rule.account


@pytest.mark.parametrize(
    ("values", "numbers", "account"),
    [
        (["3.5", "4"], [3.5, 4], "numbers"),
        ([1, 2.5, True], [1, 2.5, 1], "numbers"),
        ([" 3.5 ", "-1e3"], [3.5, -1000], "numbers"),
        (["3,5", "4"], [3.5, 4], "numbers with a decimal comma"),
        (["1,234", "3,5"], [1.234, 3.5], "numbers with a decimal comma"),
        (["85%", "7.5 %", "0,5 %"], [85, 7.5, 0.5], "percentages, 85 % as 85"),
    ],
)
def test_scores_become_numbers(values: list[Any], numbers: list[float], account: str) -> None:
    assert read(values) == (numbers, account)


def test_one_source_shows_how_the_other_is_written() -> None:
    assert read(["1,234"], ["3,5"]) == ([1.234, 3.5], "numbers with a decimal comma")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["1", ""], f"row 2: no score; {REMEDY}"),
        (["1", None], f"row 2: no score; {REMEDY}"),
        (["1", "high"], f"row 2: the score 'high' is no finite number; {REMEDY}"),
        (["1", "inf"], f"row 2: the score 'inf' is no finite number; {REMEDY}"),
        (["3.5", "3,5"], f"row 2: the score '3,5' is no finite number; {REMEDY}"),
        (["85%", "3"], f"row 1: the score '85%' is no finite number; {REMEDY}"),
        (
            ["2", "1,234"],
            "row 2: the comma of the score '1,234' may part thousands or decimals; write the "
            "scores with a point",
        ),
    ],
)
def test_what_cannot_be_scores(values: list[Any], message: str) -> None:
    with pytest.raises(DataError) as caught:
        read(values)
    assert str(caught.value) == f"d: {message}"


def test_what_may_be_scores_or_classes() -> None:
    assert holds_scores(["3,5", "4"])
    assert not holds_classes(["3,5", "4"])
    assert holds_scores(["3", 4.0])
    assert holds_classes(["3", 4.0])
    assert not holds_scores(["3", "good"])
