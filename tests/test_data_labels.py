from __future__ import annotations

from collections.abc import Sequence

import pytest

from bertslim.data.labels import Labels, read_labels
from bertslim.errors import DataError

REMEDY = "correct the data, or name another column with --label-column"


def read(
    values: Sequence[object], model: list[str] | None = None, classes: list[str] | None = None
) -> Labels:
    rows = range(1, len(values) + 1)
    return read_labels(values, rows, class_names=classes, model_names=model, where="d.csv")


@pytest.mark.parametrize(
    ("values", "model", "ids"),
    [
        ([0, 1], ["LABEL_0", "LABEL_1"], (0, 1)),
        (["0", "1"], ["LABEL_0", "LABEL_1"], (0, 1)),
        (["1", "0"], ["NEGATIVE", "POSITIVE"], (1, 0)),
        ([1.0, 0.0], ["NEGATIVE", "POSITIVE"], (1, 0)),
        (["1.0", "0.0"], ["NEGATIVE", "POSITIVE"], (1, 0)),
        (["LABEL_1", "LABEL_0"], ["no", "yes"], (1, 0)),
        (["yes", "no"], ["no", "yes"], (1, 0)),
        ([" Yes", "NO"], ["no", "yes"], (1, 0)),
        (["Us", "us"], ["us", "Us"], (1, 0)),
        ([True, False], ["False", "True"], (1, 0)),
        (["1", "5"], ["1", "2", "3", "4", "5"], (0, 4)),
        (["0", "4", "1"], ["1", "2", "3", "4", "5"], (0, 4, 1)),
    ],
)
def test_labels_become_ids_of_the_model(
    values: list[object], model: list[str], ids: tuple[int, ...]
) -> None:
    labels = read(values, model)
    assert labels.ids == ids
    assert labels.names == tuple(model)
    assert labels.notes == ()


@pytest.mark.parametrize(
    ("values", "model", "message"),
    [
        (
            ["yes", "maybe"],
            ["no", "yes"],
            "row 2: the model does not know the label 'maybe', its labels are no, yes",
        ),
        (
            [0, 2],
            ["LABEL_0", "LABEL_1"],
            "row 2: the model does not know the label '2', its labels are LABEL_0, LABEL_1",
        ),
        (
            ["a"],
            [f"n{i}" for i in range(14)],
            "row 1: the model does not know the label 'a', its labels are "
            "n0, n1, n2, n3, n4, n5, n6, n7, n8, n9, n10, n11 and 2 more",
        ),
        # By name "2" would be id 1, by number id 2: the ways are not mixed.
        (
            ["0", "5", "2"],
            ["1", "2", "3"],
            "row 2: the model does not know the label '5', its labels are 1, 2, 3",
        ),
    ],
)
def test_a_label_unknown_to_the_model(values: list[object], model: list[str], message: str) -> None:
    with pytest.raises(DataError) as caught:
        read(values, model)
    instead = "compare the models on the texts alone with --task plain-text"
    assert str(caught.value) == f"d.csv: {message}; {REMEDY}, or {instead}"


@pytest.mark.parametrize("missing", [None, "", "  ", float("nan")])
def test_a_missing_label(missing: object) -> None:
    with pytest.raises(DataError) as caught:
        read(["a", missing])
    assert str(caught.value) == f"d.csv: row 2: no label; {REMEDY}"


@pytest.mark.parametrize(
    ("values", "shown"), [([[1]], "[1]"), ([{"a": 1}], "{'a': 1}"), ([0.5], "0.5")]
)
def test_what_cannot_be_a_label(values: list[object], shown: str) -> None:
    with pytest.raises(DataError) as caught:
        read(values)
    assert str(caught.value) == f"d.csv: row 1: {shown} cannot be a label; {REMEDY}"


@pytest.mark.parametrize(
    ("values", "ids", "names"),
    [
        (["b", "a", "b"], (1, 0, 1), ("a", "b")),
        ([10, 9, 2], (2, 1, 0), ("2", "9", "10")),
        (["10", "9.0"], (1, 0), ("9", "10")),
        (["x", "3"], (1, 0), ("3", "x")),
    ],
)
def test_without_a_model_the_data_number_their_classes(
    values: list[object], ids: tuple[int, ...], names: tuple[str, ...]
) -> None:
    assert read(values) == Labels(ids, names)


def test_without_a_model_declared_classes_keep_their_numbers() -> None:
    assert read([2, 0], classes=["z", "y", "x"]) == Labels((2, 0), ("z", "y", "x"))


def test_scores_are_no_classes() -> None:
    with pytest.raises(DataError) as caught:
        read(["5", "3.8"])
    assert str(caught.value) == f"d.csv: the labels are numbers such as 3.8, not classes; {REMEDY}"


def test_declared_classes_are_taken_by_name_before_number() -> None:
    labels = read([0, 1], ["POS", "NEG"], classes=["neg", "pos"])
    assert labels == Labels((1, 0), ("POS", "NEG"))


def test_declared_classes_of_other_names_are_taken_by_number_and_that_is_noted() -> None:
    labels = read([0, 1], ["NEGATIVE", "POSITIVE"], classes=["bad", "good"])
    assert labels.ids == (0, 1)
    assert labels.notes == (
        "labels taken by number, not by name: bad is NEGATIVE, good is POSITIVE",
    )
    assert read([0, 1], ["LABEL_0", "LABEL_1"], classes=["bad", "good"]).notes == ()


def test_declared_classes_of_another_count_are_not_taken_by_number() -> None:
    with pytest.raises(DataError, match="row 1: the model does not know the label 'bad'"):
        read([0, 1], ["a", "b", "c"], classes=["bad", "good"])


def test_a_hidden_label_of_a_declared_class_is_missing() -> None:
    with pytest.raises(DataError, match="row 1: no label"):
        read([-1], classes=["bad", "good"])
