"""Exact match and F1 of answers, on the examples that the official script is made for."""

from __future__ import annotations

import pytest

from bertslim.data.answer_metrics import exact_match, f1_of_words


@pytest.mark.parametrize(
    ("answers", "given", "exact", "f1"),
    [
        (["Denver Broncos"], "the Denver  broncos.", 1, 1),
        (["Denver Broncos"], "Broncos", 0, 2 / 3),
        (["a cat", "dog"], "big dog", 0, 2 / 3),
        (["to be or not to be"], "be be be", 0, 2 * 2 / (6 + 3)),
        (["308"], "three", 0, 0),
        (["U.S."], "us", 1, 1),
        ([], "", 1, 1),
        ([], "Ada", 0, 0),
        (["Ada"], "", 0, 0),
        (["the"], "", 1, 1),
    ],
)
def test_answers(answers: list[str], given: str, exact: float, f1: float) -> None:
    assert exact_match(answers, given) == exact
    assert f1_of_words(answers, given) == pytest.approx(f1)
