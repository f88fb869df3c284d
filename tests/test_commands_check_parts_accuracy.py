"""`bertslim check --max-accuracy-drop`: as the record has it, or measured again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bertslim.cli import run
from bertslim.records import (
    DataRecord,
    Interval,
    Measurement,
    SplitRecord,
    compare,
    read_record,
)
from support.checked_results import change_record, cut_unmeasured
from support.task_files import CLASSES, ROWS


def accuracy(drop: float, low: float, high: float) -> Measurement:
    """An accuracy that is so many points lower, with the interval of the drop."""
    interval = Interval(of="difference", low=-high / 100, high=-low / 100)
    return compare("accuracy.accuracy", 0.9, 0.9 - drop / 100, interval=interval, n=500)


@pytest.fixture(scope="module")
def cut_result(
    make_checkpoint: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    base = make_checkpoint("bert", "SequenceClassification", tokenizer=True)
    return cut_unmeasured(base, tmp_path_factory.mktemp("results"))


@pytest.fixture
def result(cut_result: Path, tmp_path: Path) -> Path:
    """A result without an accuracy in its record."""
    shutil.copytree(cut_result, tmp_path / "slim")
    return tmp_path / "slim"


@pytest.fixture
def rows(tmp_path: Path) -> str:
    path = tmp_path / "rows.tsv"
    path.write_text(CLASSES, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("found", "code"),
    [(accuracy(0.1, -0.2, 0.4), 0), (accuracy(1.5, 0.8, 2.2), 3), (accuracy(0.4, -0.3, 1.1), 4)],
)
def test_the_interval_in_the_record_decides(
    result: Path, found: Measurement, code: int, capfd: pytest.CaptureFixture[str]
) -> None:
    other = compare("accuracy.macro_f1", 0.9, 0.1)
    change_record(result, measurements=(found, other))

    assert run(["check", str(result), "--max-accuracy-drop", "0.5"]) == code

    out, err = capfd.readouterr()
    assert "macro" not in out
    assert bool(err) == bool(code)
    if code == 4:
        assert err == (
            "bertslim: inconclusive: accuracy on 500 rows drops by 0.40 points (95 % interval "
            "of the drop -0.30 to 1.10), --max-accuracy-drop 0.5 allows 0.50; measure on more rows, with "
            "--data or --eval-data\n"
        )


def test_without_an_accuracy_it_cannot_be_told(
    result: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", str(result), "--max-accuracy-drop", "1"]) == 4

    assert capfd.readouterr().err == (
        "bertslim: inconclusive: --max-accuracy-drop 1: the record holds no accuracy; give "
        "labelled rows with --data or --eval-data, or cut with labelled --data\n"
    )


def test_the_accuracy_of_other_weights_is_none(
    result: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    slim = read_record(result).slim.model_copy(update={"sha256": "0" * 64})
    change_record(result, slim=slim, measurements=(accuracy(0.0, 0.0, 0.0),))

    assert run(["check", str(result), "--max-accuracy-drop", "1"]) == 4

    assert "the weights are not those whose accuracy the record holds" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("options", "fewest", "most"), [(["--eval-data"], ROWS, ROWS), (["--data"], 1, ROWS // 3)]
)
def test_it_is_measured_again_on_held_out_rows(
    result: Path,
    rows: str,
    options: list[str],
    fewest: int,
    most: int,
    capfd: pytest.CaptureFixture[str],
) -> None:
    change_record(result, measurements=(accuracy(50, 49, 51),))
    arguments = ["--max-accuracy-drop", "100", *options, rows, "--json"]

    assert run(["check", str(result), *arguments]) == 0

    told = json.loads(capfd.readouterr().out)
    (verdict,) = told["verdicts"]
    assert verdict["recorded"] == pytest.approx(50)
    assert verdict["interval"]["low"] <= verdict["found"] <= verdict["interval"]["high"]
    found = {one["name"]: one for one in told["measurements"]}
    assert "fidelity.kl" in found
    main = found["accuracy.accuracy"]
    assert verdict["found"] == pytest.approx(100 * (main["base"] - main["slim"]))
    assert fewest <= main["context"]["n"] <= most


def test_new_rows_are_read_as_those_of_the_record(
    result: Path, rows: str, capfd: pytest.CaptureFixture[str]
) -> None:
    split = SplitRecord(name="report", rows=1, sha256="")
    data = DataRecord(
        source="a.csv", text_columns=("text",), labels_as="ids", sha256="", splits=(split,)
    )
    change_record(result, measurements=(accuracy(50, 49, 51),), data=data)
    arguments = ["check", str(result), "--max-accuracy-drop", "100", "--eval-data", rows]
    assert run(arguments) == 0
    assert "labels: 3 classes, read as ids" in capfd.readouterr().err
    assert run([*arguments, "--labels-as", "names"]) == 0
    assert "labels: 3 classes, read as the model's names" in capfd.readouterr().err


def test_both_data_and_evaluation_data_measure_on_the_latter(
    result: Path, rows: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    lines = CLASSES.splitlines()
    held_out = tmp_path / "held_out.tsv"
    held_out.write_text("\n".join([lines[0], *lines[-12:]]) + "\n", encoding="utf-8")
    arguments = ["--max-accuracy-drop", "100", "--data", rows, "--eval-data", str(held_out)]

    assert run(["check", str(result), *arguments, "--json"]) == 0

    told = json.loads(capfd.readouterr().out)
    assert told["measurements"][0]["context"]["n"] == 12


def test_rows_without_labels_cannot_tell(
    result: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("\n".join(f"good film {n}" for n in range(12)), encoding="utf-8")
    arguments = ["--max-accuracy-drop", "1", "--eval-data", str(texts), "--quiet"]

    assert run(["check", str(result), *arguments]) == 4

    assert "the rows have no labels that this model predicts" in capfd.readouterr().err


def test_each_model_reads_the_rows_with_its_own_tokenizer(
    result: Path,
    rows: str,
    cut_all_ways: Callable[..., Path],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The slim model knows fewer tokens than the base."""
    pruned = tmp_path / "pruned"
    shutil.copytree(cut_all_ways(), pruned)
    shutil.copy(result / "bertslim.json", pruned)
    base = read_record(result).base.source
    arguments = ["--max-accuracy-drop", "100", "--eval-data", rows, "--base", base]

    assert run(["check", str(pruned), *arguments]) == 0

    assert "as other tokens" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--max-accuracy-drop", "a bit"], "'a bit' is not a number of points; such as 0.5"),
        (["--max-accuracy-drop", "-1"], "--max-accuracy-drop: must be 0 points or more"),
        (["--data", "x.csv"], "--data: needs --max-accuracy-drop beside it"),
        (["--eval-data", "x.csv"], "--eval-data: needs --max-accuracy-drop beside it"),
        (["--max-accuracy-drop", "1", "--task", "plain-text"], "--task: needs --data beside it"),
        (["--max-accuracy-drop", "1", "--eval-data", "x.csv"], "x.csv: no such file"),
    ],
)
def test_what_makes_no_sense_is_refused(
    result: Path, arguments: list[str], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", str(result), *arguments]) == 2

    out, err = capfd.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1
