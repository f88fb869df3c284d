"""Several labels a text, in the forms that data have them."""

from __future__ import annotations

import pytest

from bertslim.data.label_sets import read_label_columns, read_label_sets
from bertslim.data.labels import REMEDY
from bertslim.errors import DataError

MODEL = ["toxic", "insult", "threat"]


def read(values: list[object], model: list[str] | None = MODEL, own: list[str] | None = None):
    rows = list(range(1, len(values) + 1))
    return read_label_sets(values, rows, class_names=own, model_names=model, where="d")


@pytest.mark.parametrize(
    "values",
    [
        [["toxic", "threat"], [], ["insult"]],
        ["toxic|threat", "", "insult"],
        ["threat | toxic", None, "Insult"],
        [[0, 2], [], [1]],
        ["0|2", "", "1"],
    ],
)
def test_lists_and_texts_become_a_yes_or_no_a_class(values: list[object]) -> None:
    found = read(values)
    assert found.ids == ([1, 0, 1], [0, 0, 0], [0, 1, 0])
    assert found.names == tuple(MODEL)


def test_without_a_model_the_classes_are_those_of_the_data() -> None:
    assert read(["b|a", "c"], None).names == ("a", "b", "c")
    found = read([[1], [0]], None, own=["x", "y", "z"])
    assert found.names == ("x", "y", "z")
    assert found.ids == ([0, 1, 0], [1, 0, 0])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["toxic|mild"], "row 1: the model does not know the label 'mild'"),
        ([["toxic"], 0.5], "row 2: 0.5 cannot be labels"),
        ([[None]], "row 1: no label"),
    ],
)
def test_what_cannot_be_labels(values: list[object], message: str) -> None:
    with pytest.raises(DataError) as caught:
        read(values)
    assert str(caught.value).startswith(f"d: {message}")


def columns(*values: list[object], names: list[str], model: list[str] | None = MODEL):
    return read_label_columns(values, [1, 2], names, model_names=model, where="d")


def test_columns_of_0_and_1_come_in_the_order_of_the_model() -> None:
    found = columns(["0", "1"], [1, 0], [True, "1.0"], names=["threat", "toxic", "insult"])
    assert found.names == tuple(MODEL)
    assert found.ids == ([1, 1, 0], [0, 1, 1])
    assert columns(["0", "1"], [1, 0], names=["b", "a"], model=None).names == ("b", "a")


def test_columns_that_are_not_those_of_the_model() -> None:
    with pytest.raises(DataError) as caught:
        columns(["0", "1"], [1, 0], names=["threat", "toxic"])
    assert str(caught.value) == (
        "d: the columns of labels are threat, toxic, the model's labels toxic, insult, threat; "
        "name a column for each of them with --label-column"
    )
    with pytest.raises(DataError) as caught:
        columns(["0", "2"], [1, 0], names=["a", "b"], model=["b", "a"])
    assert str(caught.value) == f"d: row 2: column 'a' holds neither 0 nor 1; {REMEDY}"
