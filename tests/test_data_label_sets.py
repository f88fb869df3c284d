"""Several labels a text, in the forms that data have them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bertslim.data.class_labels import settle_labels
from bertslim.data.label_lists import holds_sets
from bertslim.data.label_sets import (
    columns_of_classes,
    join_columns,
    settle_label_columns,
    settle_label_sets,
)
from bertslim.data.labels import REMEDY, LabelRule, RawLabels
from bertslim.errors import DataError

MODEL = ["toxic", "insult", "threat"]


@dataclass(frozen=True)
class Read:
    """The vectors of all sources, one after the other, and the rule that they were read by."""

    ids: tuple[list[int], ...]
    names: tuple[str, ...]
    rule: LabelRule


def raw(values: list[Any], own: list[str] | None = None, source: str = "d") -> RawLabels:
    return RawLabels(values, range(1, len(values) + 1), source, tuple(own) if own else None)


def read(
    *sources: list[Any],
    model: list[str] | None = MODEL,
    own: list[str] | None = None,
    labels_as: Any = None,
) -> Read:
    found = [raw(values, own) for values in sources]
    rule = settle_label_sets(found, model_names=model, labels_as=labels_as)
    return Read(tuple(row for one in found for row in rule.read(one)), rule.names, rule)


@pytest.mark.parametrize(
    "values",
    [
        [["toxic", "threat"], [], ["insult"]],
        ["toxic|threat", "", "insult"],
        ["threat | toxic", None, "Insult"],
        [[0, 2], [], [1]],
        ["0|2", "", "1"],
        ["0, 2", None, "1"],
        ["toxic, threat", "", "insult"],
        ["toxic;threat", "", "insult"],
        ["toxic threat", "", "insult"],
        ["['toxic', 'threat']", "[]", "['insult']"],
        ["['toxic' 'threat']", "[]", "['insult']"],
        ['["toxic", "threat"]', "[]", '["insult"]'],
        ["[0, 2]", "[]", "[1]"],
        [[1, 0, 1], [0, 0, 0], [0, 1, 0]],
        [[1.0, 0.0, 1.0], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
        [[True, False, True], [False, False, False], [False, True, False]],
        ["[1, 0, 1]", "[0, 0, 0]", "[0, 1, 0]"],
        ["[1. 0. 1.]", "[0. 0. 0.]", "[0. 1. 0.]"],
        ["[true, false, true]", "[false, false, false]", "[false, true, false]"],
        ["1 0 1", "0 0 0", "0 1 0"],
        ["1,0,1", "0,0,0", "0,1,0"],
        ["1|0|1", "0|0|0", "0|1|0"],
    ],
)
def test_lists_and_texts_become_a_yes_or_no_a_class(values: list[object]) -> None:
    found = read(values)
    assert found.ids == ([1, 0, 1], [0, 0, 0], [0, 1, 0])
    assert found.names == tuple(MODEL)


def test_without_a_model_the_classes_are_those_of_the_data() -> None:
    assert read(["b|a", "c"], model=None).names == ("a", "b", "c")
    found = read([[1], [0]], model=None, own=["x", "y", "z"])
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


def columns(*values: list[Any], names: list[str], model: list[str] | None = MODEL) -> Read:
    rule = settle_label_columns(names, model_names=model, where="d")
    rows = join_columns([raw(column) for column in values], names)
    return Read(rule.read(rows), rule.names, rule)


def test_columns_of_0_and_1_come_in_the_order_of_the_model() -> None:
    found = columns(["0", "1"], [1, 0], [True, "1.0"], names=["threat", "toxic", "insult"])
    assert found.names == tuple(MODEL)
    assert found.ids == ([1, 1, 0], [0, 1, 1])
    assert columns(["0", "1"], [1, 0], names=["b", "a"], model=None).names == ("b", "a")


def test_columns_are_found_by_name_whatever_its_case() -> None:
    found = columns(["0", "1"], [1, 0], [1, 1], names=["THREAT", "Toxic", "insult"])
    assert found.ids == ([1, 1, 0], [0, 1, 1])
    assert columns_of_classes(["text", "B", "a "], ["a", "b"]) == ("a ", "B")
    assert columns_of_classes(["text", "B"], ["a", "b"]) == ()


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


def test_how_the_labels_were_read_is_told() -> None:
    assert read([[1, 0, 1]]).rule.account == "3 labels, read as vectors of 0 and 1"
    assert read(["1 0 1"]).rule.account == ("3 labels, read as vectors of 0 and 1, parted by blank")
    assert read(["toxic|threat"]).rule.account == (
        "3 classes, read as the model's names, any number a text, parted by |"
    )
    assert read([["toxic"]]).rule.labels_as == "names"
    assert read([[0, 2]]).rule.labels_as == "ids"
    assert read([[1, 0, 0]]).rule.labels_as == "vectors"


@pytest.mark.parametrize("vectors", [[[1, 0, 1], [0, 1, 1]], ["1 0 1", "0 1 1"], ["[1,0,1]"] * 2])
def test_without_a_model_vectors_have_a_label_a_place(vectors: list[Any]) -> None:
    assert holds_sets(vectors)
    found = read(vectors, model=None)
    assert found.names == ("LABEL_0", "LABEL_1", "LABEL_2")
    assert found.ids[0] == [1, 0, 1]
    assert read(vectors, model=None, own=["x", "y", "z"]).names == ("x", "y", "z")


def test_lists_of_ids_are_no_vectors() -> None:
    assert read([[0, 1], [2], [1]]).ids == ([1, 1, 0], [0, 0, 1], [0, 1, 0])
    # By the first source alone it might be either.
    assert read([[0, 1], [1, 0]], [[1]], model=["a", "b"]).ids == ([1, 1], [1, 1], [0, 1])


def test_lists_of_two_that_may_be_vectors_or_ids_are_told_of() -> None:
    found = read([[0, 1], [1, 0]], model=["a", "b"])
    assert found.ids == ([0, 1], [1, 0])
    assert found.rule.notes == (
        "the lists of two also fit as ids; they were read as vectors: --labels-as ids reads ids",
    )
    assert read([[0, 1], [1, 1]], model=["a", "b"]).rule.notes == ()
    assert read([[0, 1], [1, 0]], model=["a", "b"], labels_as="ids").ids == ([1, 1], [1, 1])


@pytest.mark.parametrize(
    ("values", "labels_as", "message"),
    [
        ([[1, 0, 1], [1, 0]], None, "row 2: '1, 0' is no vector of 3 values, each 0 or 1"),
        ([[1, 1, 0], [0.3, 0.1, 1]], None, "row 2: '0.3, 0.1, 1' is no vector of 3 values"),
        ([[1, 0, 1, 0]], None, "row 1: '1, 0, 1, 0' is no vector of 3 values"),
        ([[1, 0, 1]], "ids", "a row holds a number twice, as vectors of 0 and 1 do"),
        (["toxic, mild"], None, "row 1: the model does not know the label 'mild'"),
        ([["toxic"]], "vectors", "row 1: 'toxic' is no vector of 3 values"),
    ],
)
def test_what_is_no_vector(values: list[Any], labels_as: Any, message: str) -> None:
    with pytest.raises(DataError) as caught:
        read(values, labels_as=labels_as)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "values", [["a", "b"], ["1", "0"], ["a, b", "c"], [None, ""], [1, 0], ["(a", "b)"]]
)
def test_single_labels_are_no_sets(values: list[Any]) -> None:
    assert not holds_sets(values)


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 4)
    | st.floats(-2, 4)
    | st.sampled_from(["", "toxic", "INSULT", "1 0 1", "[1, 0, 1]", "['a' 'b']", "a|b", "-1", "["])
    | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(
    sources=st.lists(st.lists(ANYTHING, min_size=1, max_size=6), min_size=1, max_size=2),
    model=st.sampled_from([None, MODEL, ["0", "1"], ["2", "1"]]),
    labels_as=st.sampled_from([None, "names", "ids", "vectors"]),
)
def test_whatever_stands_in_the_labels_is_read_alike_or_refused(
    sources: list[list[Any]], model: list[str] | None, labels_as: Any
) -> None:
    for settle in (settle_label_sets, settle_labels):
        found = [raw(values) for values in sources]
        try:
            rule = settle(found, model_names=model, labels_as=labels_as)
            whole = [rule.read(labels) for labels in found]
        except DataError as error:
            assert "\n" not in str(error)
            continue
        assert len(rule.names) == len(model or rule.names)
        for labels, ids in zip(found, whole, strict=True):
            for place, number in enumerate(ids):
                vector = number if isinstance(number, list) else [0] * len(rule.names)
                assert len(vector) == len(rule.names)
                assert set(vector) <= {0, 1}
                assert isinstance(number, list) or 0 <= number < len(rule.names)
                assert rule.read(labels.only([place])) == (number,)
