"""`bertslim check` with rules on sizes: counted anew, and nothing else is done."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bertslim.cli import run
from bertslim.records import read_record
from support.checked_results import change_record, cut_unmeasured


@pytest.fixture(scope="module")
def result(make_checkpoint: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A result that says nothing of latency or accuracy."""
    base = make_checkpoint("bert", "SequenceClassification")
    return cut_unmeasured(base, tmp_path_factory.mktemp("results"))


@pytest.fixture(autouse=True)
def _nothing_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("nothing here asks for latency")

    monkeypatch.setattr("bertslim.commands.check.LatencyBench", refuse)


def sizes(directory: Path) -> tuple[int, int]:
    record = read_record(directory)
    (parameters,), (weights,) = record.find("parameters"), record.find("bytes")
    assert parameters.slim
    assert weights.slim
    return int(parameters.slim), int(weights.slim)


def test_sizes_up_to_the_bounds_pass(result: Path, capfd: pytest.CaptureFixture[str]) -> None:
    parameters, weights = sizes(result)
    rules = ["--max-params", str(parameters), "--max-bytes", str(weights)]

    assert run(["check", str(result), *rules]) == 0

    out, err = capfd.readouterr()
    first, second = out.splitlines()[2:]
    assert f" {parameters:,} |" in first
    assert f" {weights:,} |" in second
    assert "Measured" not in out
    assert err == ""


def test_sizes_above_the_bounds_are_regressions(
    result: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    parameters, weights = sizes(result)
    rules = ["--max-params", str(parameters - 1), "--max-bytes", str(weights - 1)]

    assert run(["check", str(result), *rules]) == 3

    assert capfd.readouterr().err == (
        f"bertslim: the slim model has {parameters:,} parameters, --max-params {parameters - 1} "
        f"allows {parameters - 1:,}; the slim model's weights take {weights:,} bytes on disk, "
        f"--max-bytes {weights - 1} allows {weights - 1:,}\n"
    )


def test_what_lies_in_the_directory_is_counted_and_not_what_the_record_says(
    result: Path, make_checkpoint: Callable[..., Path], tmp_path: Path, capfd
) -> None:
    """Somebody has put the base in the place of the slim model."""
    shutil.copytree(make_checkpoint("bert", "SequenceClassification"), tmp_path / "swapped")
    shutil.copy(result / "bertslim.json", tmp_path / "swapped")
    recorded, _ = sizes(result)

    assert run(["check", str(tmp_path / "swapped"), "--max-params", str(recorded), "--json"]) == 3

    told = json.loads(capfd.readouterr().out)
    (verdict,) = told["verdicts"]
    assert verdict["recorded"] == recorded
    assert verdict["found"] > recorded
    assert told["notes"] == ["the weights are not those of the record"]
    assert told["seconds"] == 0


def test_the_base_need_not_be_at_hand(result: Path, tmp_path: Path) -> None:
    shutil.copytree(result, tmp_path / "slim")
    base = read_record(result).base.model_copy(update={"source": str(tmp_path / "gone")})
    change_record(tmp_path / "slim", base=base)

    assert run(["check", str(tmp_path / "slim"), "--max-bytes", "1MB", "--quiet"]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--max-params", "lots"], "--max-params: 'lots' is not a number of parameters; such as 20M"),
        (["--max-bytes", "90MX"], "--max-bytes: '90MX' is not a number of bytes; such as 90MB or 85MiB"),
        (["--max-bytes", "0"], "--max-bytes: must be 1 or more"),
        (["--max-bytes", ""], "--max-bytes: '' is not a number of bytes; such as 90MB or 85MiB"),
    ],
)  # fmt: skip
def test_sizes_that_make_no_sense_are_refused(
    result: Path, arguments: list[str], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", str(result), *arguments]) == 2

    assert capfd.readouterr() == ("", f"bertslim: {message}\n")


def test_weights_that_are_gone_are_an_error(
    result: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(result, tmp_path / "slim")
    (tmp_path / "slim" / "model.safetensors").unlink()

    assert run(["check", str(tmp_path / "slim"), "--max-params", "1M"]) == 2

    err = capfd.readouterr().err
    assert "no PyTorch weights here" in err
    assert err.count("\n") == 1
