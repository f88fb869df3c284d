"""A file is written whole or not at all."""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bertslim.errors import OutputError
from bertslim.output import output_file, output_files

WRITE_HALF_AND_WAIT = """
import sys
from pathlib import Path
from bertslim.output import output_file

with output_file(Path(sys.argv[1]), force=True) as new:
    new.write_text("half")
    print("written", flush=True)
    sys.stdin.read()
"""


def test_the_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "model.onnx"

    with output_file(target) as new:
        new.write_text("whole")
        assert not target.exists()

    assert target.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [target]
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(target.stat().st_mode) == 0o666 & ~mask


def write_half(target: Path, failure: type[BaseException], *, force: bool = False) -> None:
    with output_file(target, force=force) as new:
        new.write_text("half")
        raise failure


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_nothing(tmp_path: Path, failure: type[BaseException]) -> None:
    with pytest.raises(failure):
        write_half(tmp_path / "model.onnx", failure)

    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_file_that_was_to_be_replaced(tmp_path: Path) -> None:
    target = tmp_path / "model.onnx"
    target.write_text("old")

    with pytest.raises(KeyboardInterrupt):
        write_half(target, KeyboardInterrupt, force=True)

    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_an_existing_file_is_kept_unless_it_may_be_replaced(tmp_path: Path) -> None:
    target = tmp_path / "model.onnx"
    target.write_text("old")

    with (
        pytest.raises(OutputError, match="exists already; add --force"),
        output_file(target) as new,
    ):
        new.write_text("new")
    assert target.read_text() == "old"

    with output_file(target, force=True) as new:
        new.write_text("new")
    assert target.read_text() == "new"


def test_a_file_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "model.onnx"

    def write_meanwhile() -> None:
        with output_file(target) as new:
            new.write_text("mine")
            target.write_text("theirs")

    with pytest.raises(OutputError, match="exists already"):
        write_meanwhile()

    assert target.read_text() == "theirs"


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match="is a directory; name a file with -o"),
        output_file(tmp_path, force=True),
    ):
        pass


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match=r"none/model.onnx: cannot be written \(No such file"),
        output_file(tmp_path / "none" / "model.onnx"),
    ):
        pass


def test_the_option_that_names_the_file_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match="choose another output with --junit"),
        output_file(tmp_path / "none" / "gate.xml", option="--junit"),
    ):
        pass


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path) -> None:
    target = tmp_path / "model.onnx"
    target.write_text("old")
    killed = subprocess.Popen(
        [sys.executable, "-c", WRITE_HALF_AND_WAIT, str(target)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with killed:
        assert killed.stdout
        killed.stdout.readline()
        killed.send_signal(signal.SIGKILL)
    assert target.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2

    with output_file(target, force=True) as new:
        new.write_text("new")

    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_what_another_run_is_writing_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / ".model.onnx.bertslim-new-00000000"
    with other.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with output_file(tmp_path / "model.onnx") as new:
            new.write_text("mine")

        assert other.exists()


def write_half_of_several(files: list[Path], failure: type[BaseException]) -> None:
    with output_files(*files, force=True) as new:
        new[1].write_text("half")
        raise failure


def test_files_that_belong_together_appear_together(tmp_path: Path) -> None:
    graph, weights = tmp_path / "model.xml", tmp_path / "model.bin"

    with output_files(graph, weights) as (new_graph, new_weights):
        assert new_graph.suffix == ".xml"
        new_graph.write_text("graph")
        new_weights.write_text("weights")
        assert not graph.exists()
        assert not weights.exists()

    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "model.xml": "graph",
        "model.bin": "weights",
    }


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_all_files_that_were_to_be_replaced(
    tmp_path: Path, failure: type[BaseException]
) -> None:
    files = [tmp_path / "model.xml", tmp_path / "model.bin"]
    for file in files:
        file.write_text("old")

    with pytest.raises(failure):
        write_half_of_several(files, failure)

    assert sorted(tmp_path.iterdir()) == sorted(files)
    assert {file.read_text() for file in files} == {"old"}


@pytest.mark.parametrize("standing", ["model.xml", "model.bin"])
def test_any_file_that_stands_there_needs_force(tmp_path: Path, standing: str) -> None:
    files = (tmp_path / "model.xml", tmp_path / "model.bin")
    (tmp_path / standing).write_text("old")

    with pytest.raises(OutputError, match=f"{standing}: exists already"), output_files(*files):
        pass

    assert [path.name for path in tmp_path.iterdir()] == [standing]
    with output_files(*files, force=True) as new:
        for one in new:
            one.write_text("new")
    assert {file.read_text() for file in files} == {"new"}


def test_the_first_file_is_put_in_place_last_and_never_beside_other_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, weights = tmp_path / "model.xml", tmp_path / "model.bin"
    for file in (graph, weights):
        file.write_text("old")
    seen = []
    replace = Path.replace

    def watched(self: Path, target: Path) -> Path:
        seen.append((target.name, graph.exists()))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", watched)
    with output_files(graph, weights, force=True):
        pass

    assert seen == [("model.bin", False), ("model.xml", False)]
