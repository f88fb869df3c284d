"""What is local is read, measured and written without a connection, by every command."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bertslim.cli import run
from bertslim.cli.all_commands import SHORT_HELPS
from support import task_files
from support.forbidden_network import forbidden_network

CUT = ["cut", "base", "-r", "drop_odd", "--data", "d.tsv", "-o", "slim", "--no-measure", "-q"]
QUICK = ["--batch", "1", "--length", "4", "--threads", "1", "--launches", "1", "--seconds", "0.1"]
FEW = ["--runtime", "onnxruntime", "--levels", "widths", "--length", "4", "--minutes", "0.01"]
COMMANDS = [
    ["inspect", "base"],
    ["recipes", "list"],
    CUT,
    ["report", "slim", "-o", "report"],
    ["check", "slim", "--max-params", "1M", "--max-accuracy-drop", "100", "--data", "d.tsv", "-q"],
    ["retrain", "slim", "--teacher", "base", "--data", "d.tsv", "--steps", "1", "-o", "trained"],
    ["analyze", "base", "--data", "d.tsv", "--samples", "20", "-o", "analysis", "-q"],
    ["export", "slim", "--onnx", "-q"],
    ["bench", "slim/onnx/model.onnx", "--runtime", "onnxruntime", *QUICK],
]
LONGER_COMMANDS = [
    CUT,
    ["export", "slim", "--onnx", "--int8", "--data", "d.tsv", "-q"],
    ["export", "slim", "--torch", "-q"],
    ["export", "slim", "--openvino", "-q"],
    ["export", "slim", "--openvino", "--int8", "--data", "d.tsv", "-q"],
    ["search", "base", "--data", "d.tsv", *FEW, "-o", "found", "-q"],
]


@pytest.fixture
def attempts(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], list[str]]]:
    """Attempts of connections, by libraries that believe to be online."""
    import datasets.config
    from huggingface_hub import constants

    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    with forbidden_network(tmp_path_factory.mktemp("network")) as found:
        yield found


@pytest.fixture
def here(
    make_checkpoint: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("base").symlink_to(make_checkpoint("bert", tokenizer=True))
    Path("d.tsv").write_text(task_files.CLASSES, encoding="utf-8")


def test_connections_are_seen_here_and_in_processes(attempts: Callable[[], list[str]]) -> None:
    code = "import urllib.request; urllib.request.urlopen('http://a.example')"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode
    with pytest.raises(OSError, match="forbidden"):
        exec(code)
    assert attempts() == ["socket.getaddrinfo a.example"] * 2


@pytest.mark.parametrize(
    "commands", [COMMANDS, pytest.param(LONGER_COMMANDS, marks=pytest.mark.slow)]
)
def test_no_command_connects(
    here: None, attempts: Callable[[], list[str]], commands: list[list[str]]
) -> None:
    for command in commands:
        assert run(command) == 0, command
        assert attempts() == [], command


def test_every_command_is_among_them() -> None:
    assert set(SHORT_HELPS) == {command[0] for command in (*COMMANDS, *LONGER_COMMANDS)}
