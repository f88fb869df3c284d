"""Whatever is temporary lies in one folder, which is gone after the run, or after the next."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bertslim.cli import run
from bertslim.output.temporary_folder import temporary_folder

LEAVE_SOMETHING = """
import os, sys, tempfile
from bertslim.output.temporary_folder import temporary_folder

with temporary_folder():
    tempfile.mkdtemp()
    print("there", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def outer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.delenv("TMPDIR", raising=False)
    return folder


def test_what_libraries_and_processes_write_goes_there_and_is_removed(outer: Path) -> None:
    ask = "import tempfile; print(tempfile.gettempdir())"
    with temporary_folder():
        (own,) = outer.iterdir()
        Path(tempfile.mkdtemp(), "library").write_text("x")
        child = subprocess.check_output([sys.executable, "-c", ask], text=True)
        assert child.strip() == str(own)
    assert list(outer.iterdir()) == []
    assert tempfile.gettempdir() == str(outer)
    assert "TMPDIR" not in os.environ


def test_it_is_removed_where_the_block_fails(outer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(outer))
    with pytest.raises(ZeroDivisionError), temporary_folder():
        Path(tempfile.mkdtemp()).rename(0 / 0)
    assert list(outer.iterdir()) == []
    assert os.environ["TMPDIR"] == str(outer)


def test_what_killed_runs_left_is_removed_and_nothing_else(outer: Path) -> None:
    (outer / "bertslim-of-a-person").mkdir()
    environment = os.environ | {"TMPDIR": str(outer)}
    living, killed = (
        subprocess.Popen(
            [sys.executable, "-c", LEAVE_SOMETHING],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(2)
    )
    with living, killed:
        for process in (living, killed):
            assert process.stdout
            process.stdout.readline()
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert len(list(outer.iterdir())) == 3
        with temporary_folder():
            assert len(list(outer.iterdir())) == 3
        assert len(list(outer.iterdir())) == 2
        living.communicate(b"")
    assert [path.name for path in outer.iterdir()] == ["bertslim-of-a-person"]


def test_where_there_is_no_room_for_it_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with temporary_folder():
        assert tempfile.gettempdir() == str(tmp_path / "none")


def test_every_command_runs_with_it(outer: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["recipes", "list"]) == 0
    assert list(outer.iterdir()) == []
    assert "drop_odd" in capsys.readouterr().out
