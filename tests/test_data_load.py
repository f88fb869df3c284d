"""The data of a run: rows that a directory sets apart are what is reported on."""

from __future__ import annotations

from pathlib import Path

import pytest

from bertslim.data.data_options import DataOptions
from bertslim.data.load import load_held_out, load_splits
from bertslim.data.task import HeadFacts
from bertslim.progress import Progress

HEAD = HeadFacts(kind="SequenceClassification", labels=("0", "1"), outputs=2)


def write(path: Path, word: str, rows: int) -> None:
    lines = "".join(f"{word} number {number},{number % 2}\n" for number in range(rows))
    path.write_text(f"text,label\n{lines}")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    write(tmp_path / "train.csv", "a film", 120)
    write(tmp_path / "test.csv", "a book", 110)
    return tmp_path


def load(directory: Path, **options: str) -> tuple[set[str], set[str]]:
    splits = load_splits(DataOptions(str(directory), **options), HEAD, Progress(visible=False))
    seen = {text.rsplit(" ", 2)[0] for rows in (splits.fit, splits.select) for text in rows.texts()}
    return seen, {text.rsplit(" ", 2)[0] for text in splits.report.texts()}


def test_train_is_fitted_and_chosen_on_and_test_is_reported(directory: Path) -> None:
    assert load(directory) == ({"a film"}, {"a book"})


def test_other_data_to_report_on_take_the_place_of_those_set_apart(directory: Path) -> None:
    other = directory / "other"
    other.mkdir()
    write(other / "train.csv", "a play", 20)
    write(other / "dev.csv", "a song", 20)
    assert load(directory, eval_data=str(other)) == ({"a film"}, {"a song"})
    assert load(directory, eval_data=str(other / "train.csv")) == ({"a film"}, {"a play"})


def test_only_what_is_set_apart_is_held_out(directory: Path) -> None:
    splits = load_held_out(DataOptions(str(directory)), HEAD, Progress(visible=False))
    assert splits.record.source == str(directory / "test.csv")
    assert len(splits.report) == 110
