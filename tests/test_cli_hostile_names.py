"""Names from outside, as of directories, columns and labels, reach no terminal and no job raw."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bertslim.cli import run
from support import task_files
from support.example_records import full_record

NAME = "m\x1b]0;x\x07\u202e\n::error::no\r##[error]y" + "z" * 100


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def assert_harmless(*texts: str) -> None:
    for text in texts:
        for line in text.split("\n"):
            assert line.isprintable(), repr(line)
            assert not line.lstrip().startswith("::"), repr(line)
            assert "##[" not in line, repr(line)


def printed(capfd: pytest.CaptureFixture[str], arguments: list[str], code: int) -> str:
    assert run(arguments) == code
    out, err = capfd.readouterr()
    assert_harmless(out, err)
    assert max(map(len, err.splitlines()), default=0) < 2100
    return out + err


def test_of_a_directory_and_of_columns_and_labels(
    here: Path, capfd: pytest.CaptureFixture[str], make_checkpoint: Callable[..., Path]
) -> None:
    shutil.copytree(make_checkpoint("bert", tokenizer=True), NAME)
    config = json.loads(Path(NAME, "config.json").read_text())
    config["id2label"] = {"0": NAME, "1": "b", "2": "c"}
    Path(NAME, "config.json").write_text(json.dumps(config))
    rows = [{NAME: text, "label": NAME} for text in task_files.TEXTS]
    Path("d.jsonl").write_text("\n".join(map(json.dumps, rows)))

    assert "::error::no" in printed(capfd, ["inspect", NAME], 0)
    printed(capfd, ["inspect", NAME, "--json"], 0)
    cut = ["cut", NAME, "-r", "drop_odd", "--data", "d.jsonl", "--text-column", NAME]
    printed(capfd, [*cut, "--no-measure", "-o", f"{NAME}-slim"], 0)
    printed(capfd, ["report", f"{NAME}-slim"], 0)
    printed(capfd, ["report", f"{NAME}-slim", "--json"], 0)
    printed(capfd, ["check", f"{NAME}-slim", "--max-params", "1M"], 0)


@pytest.mark.parametrize(
    "arguments",
    [
        ["inspect", NAME],
        ["inspect", f"./{NAME}"],
        ["cut", "m", "-r", NAME],
        ["recipes", "validate", NAME],
        ["report", NAME],
        ["check", ".", "--max-params", NAME],
        ["bench", NAME],
        ["export", NAME, "--onnx"],
        [NAME],
        ["inspect", "m", "--length", NAME],
    ],
    ids=lambda arguments: arguments[0][:8],
)
def test_of_what_is_refused(
    here: Path, capfd: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert printed(capfd, arguments, 2).startswith("bertslim: ")


def test_of_every_field_of_a_record(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (here / "r").mkdir()
    record = json.loads(full_record().to_json())
    (here / "r/bertslim.json").write_text(json.dumps(_with_hostile_texts(record)))
    out = printed(capfd, ["report", "r"], 0)
    assert "::error::no" in out
    printed(capfd, ["report", "r", "--json"], 0)
    printed(capfd, ["report", "r", "r"], 0)


def _with_hostile_texts(tree: object, key: str = "") -> object:
    """Add to every text of a record that is free; others settle what the record is."""
    if isinstance(tree, dict):
        return {name: _with_hostile_texts(value, name) for name, value in tree.items()}
    if isinstance(tree, list):
        return [_with_hostile_texts(value, key) for value in tree]
    settled = {"kind", "of", "rows", "columns", "block", "model", "unit", "name", "model_type"}
    return f"{tree}{NAME}" if isinstance(tree, str) and key not in settled else tree
