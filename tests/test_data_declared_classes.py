"""The names that a table declares for the numbers in its column of labels."""

from __future__ import annotations

from typing import Any

import pytest
from datasets import ClassLabel, Dataset, Features, List

from bertslim.data.declared_classes import read_declared


def read(columns: dict[str, list[Any]], features: Any = None) -> tuple[list[Any], Any]:
    table = Dataset.from_dict(columns, features=features and Features(features))
    labels = read_declared(table, "label", range(len(table)), "d")
    assert list(labels.rows) == list(range(1, len(table) + 1))
    return list(labels.values), labels.class_names


def test_the_type_of_a_column_declares_its_classes() -> None:
    classes = ClassLabel(names=["no", "yes"])
    assert read({"label": [1, 0, -1]}, {"label": classes}) == ([1, 0, -1], ("no", "yes"))
    assert read({"label": [[1], []]}, {"label": List(classes)}) == ([[1], []], ("no", "yes"))
    assert read({"label": [1, 0]}) == ([1, 0], None)


@pytest.mark.parametrize("beside", ["label_text", "label_name"])
@pytest.mark.parametrize("numbers", [[1, 0, 1], ["1", "0", "1"], [1.0, 0.0, 1.0]])
def test_a_column_of_names_beside_declares_them(beside: str, numbers: list[Any]) -> None:
    found = read({"label": numbers, beside: ["yes", "no", "yes"]})
    assert found == ([1, 0, 1], ("no", "yes"))


@pytest.mark.parametrize(
    ("numbers", "names"),
    [
        ([0, 1, 1], ["no", "yes", "no"]),  # a number with two names
        ([0, 1, 2], ["no", "yes", "no"]),  # a name with two numbers
        ([0, 2, 2], ["no", "yes", "yes"]),  # a number is missing
        ([0, 1, 1], ["no", "", ""]),
        ([0, 1, 1], ["no", None, None]),
        (["a", "b", "b"], ["no", "yes", "yes"]),
        ([[0], [1], [1]], ["no", "yes", "yes"]),
    ],
)
def test_a_column_beside_that_declares_nothing(numbers: list[Any], names: list[Any]) -> None:
    assert read({"label": numbers, "label_text": names}) == (numbers, None)
