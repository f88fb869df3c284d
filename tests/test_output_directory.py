"""An output stands whole or not at all, whatever happens and whenever."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bertslim.errors import BertslimError, OutputError
from bertslim.file_names import FILE_LIST
from bertslim.output.directory import output_directory

FILES = 20

CHILD = """
import os, pathlib, shutil, signal, sys, time
from bertslim.output.directory import output_directory

target, version, moment = sys.argv[1:]
real_rename, real_rmtree, renames = pathlib.Path.rename, shutil.rmtree, 0

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def rename(self, other):
    global renames
    if moment == f"before rename {renames}":
        die()
    real_rename(self, other)
    if moment == f"after rename {renames}":
        die()
    renames += 1

def rmtree(path, **options):
    if moment == "while removing the old one" and path.exists():
        next(iter(path.iterdir())).unlink()
        die()
    real_rmtree(path, **options)

pathlib.Path.rename, shutil.rmtree = rename, rmtree
with output_directory(pathlib.Path(target), inputs=(), force=True) as directory:
    for number in range(20):
        (directory / str(number)).write_text(version)
        if moment == f"after file {number}":
            die()
        if moment == "any":
            print(number, flush=True)
            time.sleep(0.001)
"""


def start(target: Path, version: str, moment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHILD, str(target), version, moment]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def write(target: Path, version: str, *, force: bool = False) -> None:
    with output_directory(target, inputs=(), force=force) as directory:
        for number in range(FILES):
            (directory / str(number)).write_text(version)


def version_of(directory: Path) -> str | None:
    """Return the version that all files have, or None if anything is missing or mixed."""
    files = [directory / str(number) for number in range(FILES)]
    if not all(path.is_file() for path in files):
        return None
    versions = {path.read_text() for path in files}
    return versions.pop() if len(versions) == 1 else None


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "out"


# Without a mishap


def test_it_appears_when_the_block_ends(target: Path) -> None:
    with output_directory(target, inputs=()) as directory:
        (directory / "a").write_text("1")
        (directory / "sub").mkdir()
        (directory / "sub" / "b").write_text("2")
        assert not target.exists()
        assert directory.parent == target.parent
    assert names(target.parent) == ["out"]
    assert (target / "sub" / "b").read_text() == "2"


def test_parents_are_made(target: Path) -> None:
    write(target / "a" / "b", "new")
    assert version_of(target / "a" / "b") == "new"


def test_a_relative_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("out"), "new")
    assert version_of(tmp_path / "out") == "new"


def test_what_exists_is_not_replaced_without_force(target: Path) -> None:
    write(target, "old")
    with pytest.raises(OutputError) as caught:
        write(target, "new")
    assert str(caught.value) == (f"{target}: exists already; add --force or choose another with -o")
    assert version_of(target) == "old"
    assert names(target.parent) == ["out"]


def test_what_exists_is_replaced_whole_with_force(target: Path) -> None:
    with output_directory(target, inputs=()) as directory:
        (directory / "stale").write_text("old")
    write(target, "new", force=True)
    assert version_of(target) == "new"
    assert not (target / "stale").exists()
    assert names(target.parent) == ["out"]


def test_an_empty_directory_is_replaced_with_force(target: Path) -> None:
    target.mkdir()
    with pytest.raises(OutputError, match="exists already; add --force"):
        write(target, "new")
    write(target, "new", force=True)
    assert version_of(target) == "new"


@pytest.mark.parametrize("foreign", ["notes.txt", "runs/events", ".git/HEAD", "empty/", "link"])
@pytest.mark.parametrize("force", [False, True])
def test_what_holds_more_than_bertslim_wrote_is_never_replaced(
    foreign: str, force: bool, target: Path
) -> None:
    write(target, "old")
    path = target / foreign
    if foreign == "link":
        path.symlink_to(target / "0")
    elif foreign == "empty/":
        path.mkdir()
    else:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    with pytest.raises(OutputError, match=r"exists already, and holds .*, which bertslim did not"):
        write(target, "new", force=force)
    assert version_of(target) == "old"
    assert os.path.lexists(path)
    assert names(target.parent) == ["out"]


@pytest.mark.parametrize("listed", [None, "", "[]", "{}", '{"made": 1, "added": []}'])
def test_what_bertslim_did_not_write_is_never_replaced(listed: str | None, target: Path) -> None:
    target.mkdir()
    (target / "model.safetensors").write_text("mine")
    if listed is not None:
        (target / FILE_LIST).write_text(listed)
    with pytest.raises(OutputError, match="exists already, and bertslim did not write it; choose"):
        write(target, "new", force=True)
    assert (target / "model.safetensors").read_text() == "mine"


def test_what_else_belongs_to_the_moment_is_done_only_then(target: Path) -> None:
    seen = []
    with output_directory(target, inputs=(), when_done=lambda: seen.append(target.is_dir())):
        pass
    assert seen == [True]
    with (
        pytest.raises(ZeroDivisionError),
        output_directory(target, inputs=(), force=True, when_done=lambda: seen.append(False)),
    ):
        raise ZeroDivisionError
    assert seen == [True]


def test_what_appears_meanwhile_is_not_replaced(target: Path) -> None:
    def write_slowly() -> None:
        with output_directory(target, inputs=()) as directory:
            (directory / "0").write_text("mine")
            target.mkdir()
            (target / "0").write_text("another's")

    with pytest.raises(OutputError, match="exists already"):
        write_slowly()
    assert (target / "0").read_text() == "another's"
    assert names(target.parent) == ["out"]


@pytest.mark.parametrize(
    ("mask", "file_mode", "folder_mode"), [(0o022, 0o644, 0o755), (0o077, 0o600, 0o700)]
)
def test_permissions_follow_the_umask(
    mask: int, file_mode: int, folder_mode: int, target: Path
) -> None:
    """Also where a library writes its files for the owner alone."""
    before = os.umask(mask)
    try:
        with output_directory(target, inputs=()) as directory:
            (directory / "sub").mkdir(mode=0o700)
            for path in (directory / "private", directory / "sub" / "private"):
                path.write_text("x")
                path.chmod(0o600)
            (directory / "read-only").write_text("x")
            (directory / "read-only").chmod(0o444)
            (directory / "link").symlink_to("/no/such/place")
    finally:
        os.umask(before)
    modes = {path.name: path.lstat().st_mode & 0o777 for path in (target, *target.rglob("*"))}
    del modes["link"]
    assert modes.pop("out") == modes.pop("sub") == folder_mode
    assert set(modes.values()) == {file_mode}
    assert os.umask(before) == before


def test_weights_are_as_readable_as_the_rest(target: Path, make_checkpoint) -> None:
    from bertslim.model.checkpoint import load_checkpoint, save_checkpoint

    checkpoint = load_checkpoint(make_checkpoint())
    before = os.umask(0o022)
    try:
        with output_directory(target, inputs=()) as directory:
            save_checkpoint(checkpoint.model, directory, {}, {})
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in target.iterdir()} == {0o644}


# Failures


@pytest.mark.parametrize("error", [BertslimError("broken"), KeyboardInterrupt(), OSError("full")])
def test_a_failure_leaves_the_old_one_and_nothing_else(error: BaseException, target: Path) -> None:
    def fail() -> None:
        with output_directory(target, inputs=(), force=True) as directory:
            (directory / "0").write_text("new")
            raise error

    write(target, "old")
    with pytest.raises(type(error)):
        fail()
    assert version_of(target) == "old"
    assert names(target.parent) == ["out"]


def test_parents_made_for_nothing_are_removed_again(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(ZeroDivisionError), output_directory(tmp_path / "there/a/b/out", inputs=()):
        raise ZeroDivisionError
    assert names(tmp_path) == ["there"]
    assert names(tmp_path / "there") == []


@pytest.mark.parametrize(
    "path", ["file/out", "file/a/out", "x" * 300, "a/b/" + "x" * 300, "a" * 250]
)
def test_where_nothing_can_be_written(path: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError) as caught:
        write(tmp_path / path, "new")
    assert str(caught.value).startswith(str(tmp_path))
    assert ": cannot be written (" in str(caught.value)
    assert str(caught.value).endswith("); choose another output with -o")
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("kind", ["file", "link to a directory", "dangling link"])
@pytest.mark.parametrize("force", [False, True])
def test_only_a_directory_is_ever_replaced(kind: str, force: bool, target: Path) -> None:
    if kind == "file":
        target.write_text("mine")
    else:
        elsewhere = target.with_name("elsewhere")
        target.symlink_to(elsewhere)
        if kind == "link to a directory":
            write(elsewhere, "old")
    before = names(target.parent)
    with pytest.raises(OutputError, match="exists already, and is not a directory; choose another"):
        write(target, "new", force=force)
    assert names(target.parent) == before
    assert target.is_symlink() == (kind != "file")
    if kind == "link to a directory":
        assert version_of(target) == "old"


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), KeyboardInterrupt()])
def test_a_failure_between_the_renames_puts_the_old_one_back(
    error: BaseException, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(target, "old")
    real, calls = Path.rename, []

    def rename(self: Path, other: Path) -> Path:
        calls.append(other)
        if len(calls) == 2:
            raise error
        return real(self, other)

    monkeypatch.setattr(Path, "rename", rename)
    expected = OutputError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        write(target, "new", force=True)
    assert version_of(target) == "old"
    assert names(target.parent) == ["out"]


# Kills


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("after file 0", "old"),
        ("after file 19", "old"),
        ("before rename 0", "old"),
        ("after rename 0", "old"),
        ("before rename 1", "old"),
        ("after rename 1", "new"),
        ("while removing the old one", "new"),
        ("never", "new"),
    ],
)
@pytest.mark.parametrize("next_run", ["succeeds", "fails", "is refused"])
def test_a_kill_leaves_the_old_or_the_new_one_whole(
    moment: str, expected: str, next_run: str, target: Path
) -> None:
    write(target, "old")
    child = start(target, "new", moment)
    child.communicate()
    assert child.returncode == (0 if moment == "never" else -signal.SIGKILL)
    assert expected in [version_of(path) for path in target.parent.iterdir()]
    if next_run == "succeeds":
        write(target, "newest", force=True)
        expected = "newest"
    elif next_run == "fails":
        with pytest.raises(ZeroDivisionError), output_directory(target, inputs=(), force=True):
            raise ZeroDivisionError
    else:
        with pytest.raises(OutputError, match="exists already"):
            write(target, "newest")
    assert version_of(target) == expected
    assert names(target.parent) == ["out"]


@pytest.mark.parametrize("moment", ["after file 7", "before rename 0", "after rename 0"])
def test_a_kill_where_nothing_stood_before(moment: str, target: Path) -> None:
    start(target, "new", moment).communicate()
    assert version_of(target) == ("new" if moment == "after rename 0" else None)
    assert target.exists() == (moment == "after rename 0")
    write(target, "newest", force=True)
    assert version_of(target) == "newest"
    assert names(target.parent) == ["out"]


def test_kills_at_random_moments(target: Path) -> None:
    write(target, "version 0")
    last = "version 0"
    for attempt in range(1, 11):
        child = start(target, f"version {attempt}", "any")
        assert child.stdout is not None
        for _ in range(random.randrange(FILES)):
            child.stdout.readline()
        timer = threading.Timer(random.random() * 0.01, child.kill)
        timer.start()
        child.communicate()
        timer.join()
        with pytest.raises(OutputError, match="exists already"):
            write(target, "never written")
        assert version_of(target) in (last, f"version {attempt}")
        assert names(target.parent) == ["out"]
        last = str(version_of(target))


# Runs beside each other


@pytest.fixture
def other_target(target: Path) -> Iterator[Path]:
    """Return the directory that another run is writing for the same target."""
    with output_directory(target, inputs=(), force=True) as directory:
        (directory / "0").write_text("another's")
        yield directory


def test_what_another_run_is_writing_is_left_alone(target: Path, other_target: Path) -> None:
    with pytest.raises(OutputError) as caught:
        write(target, "mine", force=True)
    assert str(caught.value) == (
        f"{target}: another run is writing there; wait for it, or choose another output with -o"
    )
    child = start(target, "a child's", "never")
    child.communicate()
    assert child.returncode == 1
    assert (other_target / "0").read_text() == "another's"
    assert not target.exists()


def test_of_two_runs_that_end_together_one_is_told_why(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both began before either could see the other."""
    write(target, "old")
    real = Path.rename

    def rename(self: Path, other: Path) -> Path:
        moved = real(self, other)
        if "bertslim-old" in other.name:
            target.mkdir()
            (target / "0").write_text("another's")
        return moved

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(OutputError, match="out: another run is writing there; wait for it"):
        write(target, "new", force=True)
    assert (target / "0").read_text() == "another's"


def test_a_run_between_its_renames_is_left_alone(target: Path, monkeypatch) -> None:
    """What it has moved aside is its own affair as long as it lives."""
    write(target, "old")
    real = Path.rename

    def rename(self: Path, other: Path) -> Path:
        moved = real(self, other)
        if "bertslim-old" in other.name:
            monkeypatch.setattr(Path, "rename", real)
            with (
                pytest.raises(OutputError, match="another run"),
                output_directory(target, inputs=()),
            ):
                pass
            assert not target.exists()
        return moved

    monkeypatch.setattr(Path, "rename", rename)
    write(target, "new", force=True)
    assert version_of(target) == "new"
    assert names(target.parent) == ["out"]


def test_directories_of_like_names_are_left_alone(tmp_path: Path) -> None:
    others = [
        ".out2.bertslim-new-abc",
        ".out.bertslim-newer",
        ".my.out.bertslim-old-abc",
        "out-old",
    ]
    for name in others:
        write(tmp_path / name, "another's")
    write(tmp_path / "out", "mine")
    assert names(tmp_path) == sorted([*others, "out"])
