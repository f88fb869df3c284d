"""The data of a run: rows that a directory sets apart are what is reported on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from datasets import ClassLabel, Dataset, Features, Value

from bertslim.data.data_options import DataOptions
from bertslim.data.load import load_held_out, load_splits
from bertslim.data.task import HeadFacts
from bertslim.errors import DataError
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


# What is told, and how labels are read


STARS = HeadFacts("SequenceClassification", ("1", "2", "3", "4", "5"), outputs=5)


def write_stars(path: Path, word: str, classes: list[int]) -> str:
    rows = "".join(f"{word} {n},{classes[n % len(classes)]}\n" for n in range(120))
    path.write_text(f"text,label\n{rows}")
    return str(path)


def test_labels_of_both_sources_are_read_by_one_rule(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data = write_stars(tmp_path / "a.csv", "film", [0, 1, 2, 3, 4])
    held_out = write_stars(tmp_path / "b.csv", "book", [1, 1, 2, 3])

    splits = load_splits(DataOptions(data, held_out), STARS, Progress())

    assert splits.report.table["label"][:4] == [1, 1, 2, 3]
    assert capfd.readouterr().err == (
        "data: a.csv, task text-classification, texts text, labels label (5 classes)\n"
        "reported on: b.csv\n"
        "labels: 5 classes, read as ids, as the model's classes are numbered; report split 2 60 "
        "(50 %), 3 30 (25 %), 4 30 (25 %)\n"
    )
    assert splits.record.labels_as == "ids"
    assert [split.labels.of for split in splits.record.splits] == [
        split.rows for split in splits.record.splits
    ]


def test_a_reading_that_was_asked_for_is_taken(tmp_path: Path) -> None:
    held_out = write_stars(tmp_path / "b.csv", "book", [1, 1, 2, 3])
    for reading, ids in (("ids", [1, 1, 2, 3]), ("names", [0, 0, 1, 2])):
        options = DataOptions(held_out, labels_as=reading)
        splits = load_held_out(options, STARS, Progress(visible=False))
        assert splits.report.table["label"][:4] == ids


def test_labels_that_are_all_hidden_are_none(tmp_path: Path) -> None:
    held_out = write_stars(tmp_path / "b.csv", "book", [-1])
    splits = load_held_out(DataOptions(held_out), STARS, Progress(visible=False))
    assert not splits.report.labelled
    assert splits.notes == (f"{held_out}: every label in column 'label' is hidden (-1)",)


def test_scores_that_are_all_the_same_have_no_correlation(tmp_path: Path) -> None:
    scored = write_stars(tmp_path / "b.csv", "book", [3])
    head = HeadFacts("SequenceClassification", outputs=1)
    splits = load_held_out(DataOptions(scored), head, Progress(visible=False))
    task, table = splits.report.task, splits.report.table
    assert not any(score.defined for score in task.score(table, [[0.1 * n] for n in range(120)]))
    assert splits.notes == (
        "every score reported on is 3: a correlation with them is not defined, and none is given",
    )


def test_a_model_that_contradicts_itself_is_told_of(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data = write_stars(tmp_path / "a.csv", "film", [0, 1, 2, 3, 4])
    head = replace(STARS, contradiction="it says two things")
    splits = load_held_out(DataOptions(data), head, Progress())
    assert splits.notes == (f"{data}: it says two things",)
    assert capfd.readouterr().err.endswith("\na.csv: it says two things\n")
    load_held_out(DataOptions(data), head, Progress(visible=False))
    assert capfd.readouterr().err == ""


def test_declared_classes_of_which_some_rows_have_none(tmp_path: Path) -> None:
    names = ["entailment", "neutral", "contradiction"]
    rows = {
        "premise": [f"film {n}" for n in range(40)],
        "hypothesis": ["a film"] * 40,
        "label": [n % 4 - 1 for n in range(40)],
    }
    text = Value("string")
    kinds = Features(premise=text, hypothesis=text, label=ClassLabel(names=names))
    Dataset.from_dict(rows, features=kinds).to_parquet(str(tmp_path / "a.parquet"))
    head = HeadFacts("SequenceClassification", ("contradiction", "entailment", "neutral"), 3)
    splits = load_held_out(DataOptions(str(tmp_path / "a.parquet")), head, Progress(visible=False))
    assert splits.report.table["text"][:3] == ["film 1", "film 2", "film 3"]
    assert splits.report.table["label"][:3] == [1, 2, 0]
    assert splits.notes[0].endswith("a.parquet: 10 rows without a label (-1) left out")


def test_one_column_of_several_labels_is_not_taken_for_ids(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,toxic,insult\n" + "".join(f"film {n},{n % 2},0\n" for n in range(20)))
    problem = "multi_label_classification"
    head = HeadFacts("SequenceClassification", ("toxic", "insult"), 2, problem)
    options = DataOptions(str(path), label_columns=("toxic",))
    with pytest.raises(DataError) as caught:
        load_held_out(options, head, Progress(visible=False))
    assert str(caught.value) == (
        f"{path}: the column 'toxic' is for one of the labels toxic, insult; name a column for "
        "each of them with --label-column"
    )


def test_a_reading_of_classes_is_not_for_scores(tmp_path: Path) -> None:
    scored = write_stars(tmp_path / "b.csv", "book", [3, 4])
    head = HeadFacts("SequenceClassification", outputs=1)
    with pytest.raises(DataError, match="--labels-as: the task regression has no classes to read"):
        load_held_out(DataOptions(scored, labels_as="ids"), head, Progress(visible=False))
