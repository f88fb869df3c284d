from __future__ import annotations

from typing import Any

import pytest
from datasets import Dataset

from bertslim.data.columns import (
    find_label_columns,
    find_tag_column,
    find_text_columns,
    find_word_column,
)
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
    assert find_text_columns(table(**columns), (), where="d.csv") == (found,)


@pytest.mark.parametrize(
    "columns",
    [
        {"utterance": ["x"], "context": ["y"]},
        {"premise": ["x"], "hypothesis": ["y"], "sentence1": ["x"], "sentence2": ["y"]},
        {"number": [1], "score": [2.0]},
        {"a": ["1"], "b": ["2"]},
        {"text": ["x"], "Text": ["y"]},
        {"sentence1": ["x"], "sentence2": ["y"], "Sentence2": ["z"]},
    ],
)
def test_the_text_column_is_not_guessed(columns: dict[str, Any]) -> None:
    with pytest.raises(DataError) as caught:
        find_text_columns(table(**columns), (), where="d.csv")
    assert str(caught.value) == (
        f"d.csv: cannot tell which column holds the texts; the columns are {', '.join(columns)}; "
        "name it with --text-column"
    )


def test_a_wanted_column_that_is_missing_names_the_nearest() -> None:
    data = table(sentence=["x"], label=[1])
    with pytest.raises(DataError) as caught:
        find_text_columns(data, ("sentense",), where="d.csv")
    assert str(caught.value) == (
        "d.csv: no column 'sentense' for --text-column; the columns are sentence, label; "
        "did you mean 'sentence'?"
    )
    with pytest.raises(DataError) as caught:
        find_label_columns(data, ("gold",), ("sentence",), where="d.csv")
    assert str(caught.value) == "d.csv: no column 'gold' for --label-column; the columns are label"
    with pytest.raises(DataError) as caught:
        find_label_columns(table(text=["x"]), ("label",), ("text",), where="d.txt")
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
    expected = () if found is None else (found,)
    assert find_label_columns(table(**columns), (), ("text",), where="d.csv") == expected


def test_several_label_columns_are_an_error() -> None:
    with pytest.raises(DataError) as caught:
        find_label_columns(table(text=["x"], target=[1], category=["a"]), (), ("text",), where="d")
    assert str(caught.value) == (
        "d: several columns could hold the labels: target, category; name one with --label-column"
    )


def test_label_columns_that_differ_in_case_alone_are_an_error() -> None:
    data = table(text=["x"], label=[1], Label=[2])
    with pytest.raises(DataError, match="several columns could hold the labels: label, Label; "):
        find_label_columns(data, (), ("text",), where="d")
    assert find_label_columns(data, ("Label",), ("text",), where="d") == ("Label",)
    alone = table(text=["x"], Label=[2], target=[1])
    assert find_label_columns(alone, (), ("text",), where="d") == ("Label",)


def test_the_texts_are_never_the_labels_too() -> None:
    assert find_label_columns(table(label=["x"], n=[1]), (), ("label",), where="d") == ()


def test_a_long_list_of_columns_is_shortened() -> None:
    with pytest.raises(DataError, match=r"the columns are c0, .*, c11 and 28 more;"):
        find_text_columns(table(**{f"c{i}": [i] for i in range(40)}), (), where="d")


@pytest.mark.parametrize(
    "pair",
    [
        ("sentence1", "sentence2"),
        ("Premise", "Hypothesis"),
        ("question", "sentence"),
        ("query", "passage"),
        ("text", "text_pair"),
    ],
)
def test_pairs_are_found_whatever_stands_beside_them(pair: tuple[str, str]) -> None:
    columns = {"idx": ["1"], pair[1]: ["y"], "title": ["z"], pair[0]: ["x"], "label": [1]}
    assert find_text_columns(table(**columns), (), where="d.csv") == pair


def test_wanted_texts_may_be_a_pair_in_their_order_and_no_more() -> None:
    data = table(a=["x"], b=["y"], c=["z"])
    assert find_text_columns(data, ("c", "a"), where="d") == ("c", "a")
    with pytest.raises(DataError, match=r"^--text-column: 3 columns of texts are more than"):
        find_text_columns(data, ("c", "a", "b"), where="d")


def test_words_and_their_tags_are_found() -> None:
    data = table(id=["0"], tokens=[["a"]], pos_tags=[[1]], ner_tags=[[2]])
    assert find_word_column(data, ()) == "tokens"
    assert find_word_column(data, ("id",)) is None
    assert find_tag_column(data, (), "tokens", where="d") == ("ner_tags",)
    assert find_tag_column(data, ("pos_tags",), "tokens", where="d") == ("pos_tags",)
    assert find_tag_column(table(tokens=[["a"]]), (), "tokens", where="d") == ()
    with pytest.raises(DataError, match="no column 'id' for --label-column"):
        find_tag_column(data, ("id",), "tokens", where="d")
