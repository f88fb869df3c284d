"""Lists that stand in CSV files as text."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from bertslim.data.local_files import read_path
from bertslim.errors import DataError

WORDS = [["it", "'s", 'a "fine"', "film, really"], ["bleak"]]


def write(path: Path, **columns: list[object]) -> str:
    pd.DataFrame(columns).to_csv(path, index=False)
    return str(path)


def test_words_and_tags_are_lists_again(tmp_path: Path) -> None:
    tags = [["O", "O", "B-X", "I-X"], ["O"]]
    table = read_path(write(tmp_path / "a.csv", tokens=WORDS, ner_tags=tags))
    assert table.rows.to_dict() == {"tokens": WORDS, "ner_tags": tags}
    assert table.reading == ("lists written as text in tokens, ner_tags",)


@pytest.mark.parametrize(
    ("cells", "lists"),
    [
        (["[0, 1]", "[1, 1]"], [[0, 1], [1, 1]]),
        (["[0.5, 1]", "[1, 1]"], [[0.5, 1.0], [1.0, 1.0]]),
        (['["a","b"]', "[]"], [["a", "b"], []]),
        (["['a','b']", ""], [["a", "b"], []]),
    ],
)
def test_lists_of_labels(tmp_path: Path, cells: list[object], lists: list[list[object]]) -> None:
    assert (
        read_path(write(tmp_path / "a.csv", text=["x", "y"], labels=cells)).rows["labels"][:]
        == lists
    )


@pytest.mark.parametrize(
    ("cells", "bad"),
    [
        (["['a', 'b']", "['c' 'd']"], "row 2"),
        (["[0 1]", "[1 1]"], "row 1"),
        (["[a, b]", "[c]"], "row 1"),
        (["[['a'], ['b']]", "[]"], "row 1"),
    ],
)
def test_what_only_looks_like_lists_is_refused(
    tmp_path: Path, cells: list[object], bad: str
) -> None:
    path = tmp_path / "a.csv"
    with pytest.raises(DataError) as caught:
        read_path(write(path, text=["x", "y"], labels=cells))
    message = str(caught.value)
    assert message.startswith(
        f"{path}: {bad}: column 'labels' looks like a list and cannot be read"
    )


def test_lists_of_texts_and_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the lists of column 'labels' mix texts and numbers"):
        read_path(write(tmp_path / "a.csv", text=["x", "y"], labels=["['a']", "[1]"]))


def test_texts_in_brackets_stay_texts(tmp_path: Path) -> None:
    table = read_path(write(tmp_path / "a.csv", text=["['x']", "[y]"], labels=["[a]", "b"]))
    assert table.rows.to_dict() == {"text": ["['x']", "[y]"], "labels": ["[a]", "b"]}
    assert table.reading == ()
