from __future__ import annotations

from typing import Any

import pytest
from datasets import Dataset

from bertslim.data.columns import find_label_column, find_text_column
from bertslim.errors import DataError


def table(**columns: Any) -> Dataset:
    return Dataset.from_dict(columns)


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({"text": ["x"], "title": ["y"], "label": [1]}, "text"),
        ({"idx": [1], "Sentence": ["x"], "url": ["y"]}, "Sentence"),
        ({"title": ["y"], "content": ["x"]}, "content"),
        ({"question": ["x"], "label-coarse": [1]}, "question"),
        ({"utt": ["x"], "label": ["greeting"]}, "utt"),
        ({"id": ["17", "18"], "gist": ["x", "y"], "class": ["a", "b"]}, "gist"),
        ({"text": ["17", "18"]}, "text"),
    ],
)
def test_the_text_column_is_found(columns: dict[str, Any], found: str) -> None:
    assert find_text_column(table(**columns), None, where="d.csv") == found


@pytest.mark.parametrize(
    "columns",
    [
        {"sentence1": ["x"], "sentence2": ["y"], "label": [1]},
        {"question": ["x"], "context": ["y"]},
        {"question": ["x"], "sentence": ["y"], "label": [1]},
        {"number": [1], "score": [2.0]},
        {"a": ["1"], "b": ["2"]},
    ],
)
def test_the_text_column_is_not_guessed(columns: dict[str, Any]) -> None:
    with pytest.raises(DataError) as caught:
        find_text_column(table(**columns), None, where="d.csv")
    assert str(caught.value) == (
        f"d.csv: cannot tell which column holds the texts; the columns are {', '.join(columns)}; "
        "name it with --text-column"
    )


def test_a_wanted_column_that_is_missing_names_the_nearest() -> None:
    data = table(sentence=["x"], label=[1])
    with pytest.raises(DataError) as caught:
        find_text_column(data, "sentense", where="d.csv")
    assert str(caught.value) == (
        "d.csv: no column 'sentense' for --text-column; the columns are sentence, label; "
        "did you mean 'sentence'?"
    )
    with pytest.raises(DataError) as caught:
        find_label_column(data, "gold", "sentence", where="d.csv")
    assert str(caught.value) == "d.csv: no column 'gold' for --label-column; the columns are label"
    with pytest.raises(DataError) as caught:
        find_label_column(table(text=["x"]), "label", "text", where="d.txt")
    assert str(caught.value) == (
        "d.txt: no column 'label' for --label-column; the columns are none besides the texts"
    )


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({"text": ["x"]}, None),
        ({"text": ["x"], "score": [0.5]}, None),
        ({"text": ["x"], "label": [1], "category": ["a"]}, "label"),
        ({"text": ["x"], "Intent": ["a"]}, "Intent"),
        ({"text": ["x"], "label_text": ["a"], "target": [0]}, "target"),
    ],
)
def test_the_label_column_is_found(columns: dict[str, Any], found: str | None) -> None:
    assert find_label_column(table(**columns), None, "text", where="d.csv") == found


def test_several_label_columns_are_an_error() -> None:
    with pytest.raises(DataError) as caught:
        find_label_column(table(text=["x"], target=[1], category=["a"]), None, "text", where="d")
    assert str(caught.value) == (
        "d: several columns could hold the labels: target, category; name one with --label-column"
    )


def test_the_texts_are_never_the_labels_too() -> None:
    assert find_label_column(table(label=["x"], n=[1]), None, "label", where="d") is None


def test_a_long_list_of_columns_is_shortened() -> None:
    with pytest.raises(DataError, match=r"the columns are c0, .*, c11 and 28 more;"):
        find_text_column(table(**{f"c{i}": [i] for i in range(40)}), None, where="d")
