"""One label a row: how it becomes an id, settled by the labels of all sources together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from bertslim.data.class_labels import ClassRule, settle_labels
from bertslim.data.labels import RawLabels
from bertslim.errors import DataError

REMEDY = "correct the data, or name another column with --label-column"
STARS = ["1", "2", "3", "4", "5"]


@dataclass(frozen=True)
class Read:
    """The ids of each source, one after the other, and the rule that they were read by."""

    ids: tuple[int, ...]
    names: tuple[str, ...]
    rule: ClassRule


def raw(values: Sequence[Any], classes: Sequence[str] | None = None, source: str = "d.csv") -> Any:
    declared = None if classes is None else tuple(classes)
    return RawLabels(values, range(1, len(values) + 1), source, declared)


def read(
    *sources: Sequence[Any] | RawLabels,
    model: list[str] | None = None,
    classes: list[str] | None = None,
    labels_as: Any = None,
) -> Read:
    found = [one if isinstance(one, RawLabels) else raw(one, classes) for one in sources]
    rule = settle_labels(found, model_names=model, labels_as=labels_as)
    return Read(tuple(number for one in found for number in rule.read(one)), rule.names, rule)


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
        (["not entailment", "ENTAILMENT"], ["entailment", "not_entailment"], (1, 0)),
        ([True, False], ["LABEL_0", "LABEL_1"], (1, 0)),
        (["True", "False"], ["LABEL_0", "LABEL_1"], (1, 0)),
        (["label_1", "0"], ["LABEL_0", "LABEL_1"], (1, 0)),
        (["-1", "1"], ["-1", "0", "1"], (0, 2)),
        (["1", "5"], ["1", "2", "3", "4", "5"], (0, 4)),
        (["0", "4", "1"], ["1", "2", "3", "4", "5"], (0, 4, 1)),
    ],
)
def test_labels_become_ids_of_the_model(
    values: list[object], model: list[str], ids: tuple[int, ...]
) -> None:
    labels = read(values, model=model)
    assert labels.ids == ids
    assert labels.names == tuple(model)
    assert labels.rule.notes == ()


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
        read(values, model=model)
    instead = "compare the models on the texts alone with --task plain-text"
    assert str(caught.value).startswith(f"d.csv: {message}; ")
    assert str(caught.value).endswith(f"{REMEDY}, or {instead}")


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
    assert str(caught.value).startswith(f"d.csv: row 1: {shown} cannot be a label; {REMEDY}")


@pytest.mark.parametrize(
    ("values", "ids", "names"),
    [
        (["b", "a", "b"], (1, 0, 1), ("a", "b")),
        ([10, 9, 2], (2, 1, 0), ("2", "9", "10")),
        (["10", "9.0"], (1, 0), ("9", "10")),
        (["x", "3"], (1, 0), ("3", "x")),
        ([1, -1, 0], (2, 0, 1), ("-1", "0", "1")),
    ],
)
def test_without_a_model_the_data_number_their_classes(
    values: list[object], ids: tuple[int, ...], names: tuple[str, ...]
) -> None:
    assert (read(values).ids, read(values).names) == (ids, names)


def test_without_a_model_declared_classes_keep_their_numbers() -> None:
    found = read([2, 0], classes=["z", "y", "x"])
    assert (found.ids, found.names) == ((2, 0), ("z", "y", "x"))
    assert found.rule.account == "3 classes, numbered as the data declare them"


def test_scores_are_no_classes() -> None:
    with pytest.raises(DataError) as caught:
        read(["5", "3.8"])
    assert str(caught.value) == f"d.csv: the labels are numbers such as 3.8, not classes; {REMEDY}"


def test_declared_classes_are_taken_by_name_before_number() -> None:
    labels = read([0, 1], model=["POS", "NEG"], classes=["neg", "pos"])
    assert (labels.ids, labels.names) == ((1, 0), ("POS", "NEG"))


def test_declared_classes_of_other_names_are_taken_by_number_and_that_is_noted() -> None:
    labels = read([0, 1], model=["NEGATIVE", "POSITIVE"], classes=["bad", "good"])
    assert labels.ids == (0, 1)
    assert labels.rule.notes == (
        "labels taken by number, not by name: bad is NEGATIVE, good is POSITIVE",
    )
    generic = read([0, 1], model=["LABEL_0", "LABEL_1"], classes=["bad", "good"])
    assert generic.rule.notes == ()
    assert generic.rule.account == "2 classes, read as the classes that the data declare, by number"


def test_declared_classes_of_another_count_are_not_taken_by_number() -> None:
    with pytest.raises(DataError, match="row 1: the model does not know the label 'bad'"):
        read([0, 1], model=["a", "b", "c"], classes=["bad", "good"])


def test_a_hidden_label_of_a_declared_class_is_missing() -> None:
    with pytest.raises(DataError, match="row 1: no label"):
        read([-1], classes=["bad", "good"])


def test_labels_of_all_sources_are_read_by_one_rule() -> None:
    first, second = read([0, 4, 1], model=STARS), read([0, 4, 1], [1, 2, 3], model=STARS)
    assert first.ids == (0, 4, 1)
    assert second.ids == (0, 4, 1, 1, 2, 3)  # by names the second source would be 0, 1, 2
    assert second.rule.account == "5 classes, read as ids, as the model's classes are numbered"
    assert second.rule.labels_as == "ids"


def test_the_sources_number_their_own_classes_together() -> None:
    found = read(["b", "c"], ["a", "c"])
    assert (found.ids, found.names) == ((1, 2, 0, 2), ("a", "b", "c"))
    assert found.rule.account == "3 classes, numbered in alphabetical order"


def test_labels_that_are_names_as_well_as_other_ids_are_refused() -> None:
    with pytest.raises(DataError) as caught:
        read([1, 2, 3], model=STARS)
    assert str(caught.value) == (
        "d.csv: the labels 1, 2, 3 are names of the model's classes and ids of others; choose "
        "with --labels-as names or --labels-as ids"
    )
    assert read([1, 2, 3], model=STARS, labels_as="ids").ids == (1, 2, 3)
    assert read([1, 2, 3], model=STARS, labels_as="names").ids == (0, 1, 2)


def test_labels_that_do_not_fit_the_reading_asked_for() -> None:
    with pytest.raises(DataError) as caught:
        read([0, 1], model=STARS, labels_as="names")
    assert str(caught.value) == (
        "d.csv: row 1: '0' is none of the names of the labels 1, 2, 3, 4, 5; labels are read as "
        "names here, --labels-as reads them otherwise"
    )
    with pytest.raises(DataError, match="--labels-as: vectors hold several labels a row"):
        read([0, 1], model=STARS, labels_as="vectors")


def test_labels_that_count_from_one() -> None:
    with pytest.raises(DataError) as caught:
        read([1, 2, 3], model=["LABEL_0", "LABEL_1", "LABEL_2"])
    assert str(caught.value) == (
        "d.csv: row 3: the labels count from 1 to 3, the model's ids from 0 to 2; number them from "
        "0, or write the model's names for them"
    )


@pytest.mark.parametrize("hidden", [-1, "-1"])
def test_a_hidden_label_among_others(hidden: object) -> None:
    with pytest.raises(DataError, match=r"row 2: no label \(-1 hides it\); leave such rows out"):
        read([0, hidden], model=["no", "yes"])
    assert raw([hidden, hidden]).hidden
    assert not raw([0, hidden]).hidden


def test_labels_with_names_for_a_model_without() -> None:
    with pytest.raises(DataError, match="name the model's classes with id2label in its config"):
        read(["good", "bad"], model=["LABEL_0", "LABEL_1"])


def test_a_model_that_has_a_name_twice_is_read_by_ids() -> None:
    assert read([0, 1], model=["other", "other"]).ids == (0, 1)
    with pytest.raises(DataError, match="the model does not know the label 'other'"):
        read(["other"], model=["other", "other"])


def test_a_declared_order_that_a_name_contradicts_is_not_taken() -> None:
    with pytest.raises(DataError, match="the model does not know the label 'contradict'"):
        read(
            [0, 1, 2],
            model=["contradiction", "entailment", "neutral"],
            classes=["entailment", "neutral", "contradict"],
        )


def test_natural_language_inference_in_another_order() -> None:
    model = ["contradiction", "entailment", "neutral"]
    glue = ["entailment", "neutral", "contradiction"]
    declared = read([0, 1, 2], model=model, classes=glue)
    assert declared.ids == (1, 2, 0)
    assert declared.rule.account == "3 classes, read as the classes that the data declare, by name"
    numbers = read([0, 1, 2], model=model)
    assert numbers.ids == (0, 1, 2)
    assert numbers.rule.account == "3 classes, read as ids, as the model's classes are numbered"


def test_a_source_that_declares_its_classes_beside_one_that_does_not() -> None:
    declared = raw([0, 1], classes=["neg", "pos"], source="a.parquet")
    found = read(declared, ["1", "0"], model=["pos", "neg"])
    assert found.ids == (1, 0, 1, 0)
    assert found.rule.account == (
        "2 classes, read as the classes that the data declare, by name; "
        "2 classes, read as ids, as the model's classes are numbered"
    )
    own = read(declared, ["pos", "neg"])
    assert (own.ids, own.names) == ((0, 1, 1, 0), ("neg", "pos"))
    with pytest.raises(DataError, match=r"b: the labels are pos, neg, those of a.parquet are neg"):
        read(declared, raw([0], classes=["pos", "neg"], source="b"))


def test_sources_that_are_written_in_two_ways() -> None:
    with pytest.raises(DataError) as caught:
        read(
            raw(["no", "yes"], source="a.csv"), raw(["1", "0"], source="b.csv"), model=["no", "yes"]
        )
    assert str(caught.value) == (
        "b.csv: row 1: the label '1' is read otherwise than those of a.csv; write the labels of "
        "both in the same way, as names or as ids"
    )
    with pytest.raises(DataError, match="the model does not know the label 'maybe'"):
        read(["no", "yes"], ["maybe"], model=["no", "yes"])


def test_a_number_too_long_to_be_one() -> None:
    with pytest.raises(DataError, match="does not know the label"):
        read(["9" * 5000], model=["a", "b"])
