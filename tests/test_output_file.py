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
from bertslim.file_names import FILE_LIST
from bertslim.output.file import FileRules, Listed, Marked, output_file, output_files, updated_file
from bertslim.output.file_list import add_to_list, list_files

WRITE_HALF_AND_WAIT = """
import sys
from pathlib import Path
from bertslim.output.file import FileRules, Listed, output_file

target = Path(sys.argv[1])
with output_file(target, FileRules(Listed(target.parent), (), force=True)) as new:
    new.write_text("half")
    print("written", flush=True)
    sys.stdin.read()
"""


MARK = "written by bertslim"


def rules(folder: Path, *, force: bool = False, option: str = "-o") -> FileRules:
    return FileRules(Listed(folder), (), force=force, option=option)


def add_earlier(*targets: Path, content: str = "old") -> None:
    """Write files as an earlier run would have."""
    for target in targets:
        target.write_text(content)
        add_to_list(target.parent, [target.name])


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "model.onnx"

    with output_file(target, rules(tmp_path)) as new:
        new.write_text("whole")
        assert not target.exists()

    assert target.read_text() == "whole"
    assert names(tmp_path) == [FILE_LIST, "model.onnx"]
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(target.stat().st_mode) == 0o666 & ~mask


def write_half(target: Path, failure: type[BaseException], *, force: bool = False) -> None:
    with output_file(target, rules(target.parent, force=force)) as new:
        new.write_text("half")
        raise failure


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_nothing(tmp_path: Path, failure: type[BaseException]) -> None:
    with pytest.raises(failure):
        write_half(tmp_path / "model.onnx", failure)

    assert names(tmp_path) == []


def test_a_failure_leaves_the_file_that_was_to_be_replaced(tmp_path: Path) -> None:
    target = tmp_path / "model.onnx"
    add_earlier(target)

    with pytest.raises(KeyboardInterrupt):
        write_half(target, KeyboardInterrupt, force=True)

    assert target.read_text() == "old"
    assert names(tmp_path) == [FILE_LIST, "model.onnx"]


def test_an_existing_file_is_kept_unless_it_may_be_replaced(tmp_path: Path) -> None:
    target = tmp_path / "model.onnx"
    add_earlier(target)

    with (
        pytest.raises(OutputError, match="exists already; add --force"),
        output_file(target, rules(tmp_path)) as new,
    ):
        new.write_text("new")
    assert target.read_text() == "old"

    with output_file(target, rules(tmp_path, force=True)) as new:
        new.write_text("new")
    assert target.read_text() == "new"


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("made", ["by nobody known", "with the directory", "a link"])
def test_what_was_not_added_by_bertslim_is_never_replaced(
    made: str, force: bool, tmp_path: Path
) -> None:
    target, other = tmp_path / "model.safetensors", tmp_path / "other"
    other.write_text("mine")
    if made == "a link":
        target.symlink_to(other)
        add_to_list(tmp_path, [target.name])
    else:
        target.write_text("mine")
    if made == "with the directory":
        list_files(tmp_path)

    with (
        pytest.raises(OutputError, match="exists already, and bertslim did not write it for this"),
        output_file(target, rules(tmp_path, force=force)) as new,
    ):
        new.write_text("new")

    assert target.read_text() == other.read_text() == "mine"


@pytest.mark.parametrize(
    ("content", "replaced"),
    [("", True), (f"{MARK} earlier", True), ("mine", False), (f"mine, not {MARK}", False)],
)
def test_files_with_a_mark_replace_one_another_and_nothing_else(
    content: str, replaced: bool, tmp_path: Path
) -> None:
    target = tmp_path / "gate.md"
    target.write_text(content)
    marked = FileRules(Marked(MARK), (), force=True, option="--summary")

    if replaced:
        with output_file(target, marked) as new:
            new.write_text("new")
    else:
        with (
            pytest.raises(OutputError, match="choose another output with --summary, or remove it"),
            output_file(target, marked),
        ):
            pass

    assert target.read_text() == ("new" if replaced else content)
    assert names(tmp_path) == ["gate.md"]


def test_a_file_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "model.onnx"

    def write_meanwhile() -> None:
        with output_file(target, rules(tmp_path, force=True)) as new:
            new.write_text("mine")
            target.write_text("theirs")

    with pytest.raises(OutputError, match="exists already"):
        write_meanwhile()

    assert target.read_text() == "theirs"


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match="is a directory; name a file with -o"),
        output_file(tmp_path, rules(tmp_path, force=True)),
    ):
        pass


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match=r"none/model.onnx: cannot be written \(No such file"),
        output_file(tmp_path / "none" / "model.onnx", rules(tmp_path / "none")),
    ):
        pass


def test_the_option_that_names_the_file_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match="choose another output with --junit"),
        output_file(tmp_path / "none/gate.xml", rules(tmp_path, option="--junit")),
    ):
        pass


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path) -> None:
    target = tmp_path / "model.onnx"
    add_earlier(target)
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
    assert len(names(tmp_path)) == 3

    with output_file(target, rules(tmp_path, force=True)) as new:
        new.write_text("new")

    assert target.read_text() == "new"
    assert names(tmp_path) == [FILE_LIST, "model.onnx"]


def test_what_another_run_is_writing_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / ".model.onnx.bertslim-new-00000000"
    with other.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with (
            pytest.raises(OutputError, match=r"model.onnx: another run is writing there; wait for"),
            output_file(tmp_path / "model.onnx", rules(tmp_path)),
        ):
            pass

        assert other.exists()


def write_half_of_several(files: list[Path], failure: type[BaseException]) -> None:
    with output_files(files, rules(files[0].parent, force=True)) as new:
        new[1].write_text("half")
        raise failure


def test_files_that_belong_together_appear_together(tmp_path: Path) -> None:
    graph, weights = tmp_path / "model.xml", tmp_path / "model.bin"

    with output_files([graph, weights], rules(tmp_path)) as (new_graph, new_weights):
        assert new_graph.suffix == ".xml"
        new_graph.write_text("graph")
        new_weights.write_text("weights")
        assert not graph.exists()
        assert not weights.exists()

    assert (graph.read_text(), weights.read_text()) == ("graph", "weights")
    assert names(tmp_path) == [FILE_LIST, "model.bin", "model.xml"]


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_all_files_that_were_to_be_replaced(
    tmp_path: Path, failure: type[BaseException]
) -> None:
    files = [tmp_path / "model.xml", tmp_path / "model.bin"]
    add_earlier(*files)

    with pytest.raises(failure):
        write_half_of_several(files, failure)

    assert names(tmp_path) == [FILE_LIST, "model.bin", "model.xml"]
    assert {file.read_text() for file in files} == {"old"}


@pytest.mark.parametrize("standing", ["model.xml", "model.bin"])
def test_any_file_that_stands_there_needs_force(tmp_path: Path, standing: str) -> None:
    files = [tmp_path / "model.xml", tmp_path / "model.bin"]
    add_earlier(tmp_path / standing)

    with (
        pytest.raises(OutputError, match=f"{standing}: exists already; add --force"),
        output_files(files, rules(tmp_path)),
    ):
        pass

    assert names(tmp_path) == [FILE_LIST, standing]
    with output_files(files, rules(tmp_path, force=True)) as new:
        for one in new:
            one.write_text("new")
    assert {file.read_text() for file in files} == {"new"}


def test_the_first_file_is_put_in_place_last_and_never_beside_other_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, weights = tmp_path / "model.xml", tmp_path / "model.bin"
    add_earlier(graph, weights)
    seen = []
    replace = Path.replace

    def watched(self: Path, target: Path) -> Path:
        if target.name != FILE_LIST:
            seen.append((target.name, graph.exists()))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", watched)
    with output_files([graph, weights], rules(tmp_path, force=True)):
        pass

    assert seen == [("model.bin", False), ("model.xml", False)]


def test_a_file_of_its_own_is_brought_up_to_date(tmp_path: Path) -> None:
    record = tmp_path / "bertslim.json"
    record.write_text("old")

    with updated_file(record) as new:
        new.write_text("new")
        assert record.read_text() == "old"

    assert record.read_text() == "new"
    assert names(tmp_path) == ["bertslim.json"]
