"""How a command ends that fails: an error as it is, an expected one as a line, else a defect."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from bertslim.cli import run
from bertslim.cli.failures import failure
from bertslim.errors import DataError, InputError


@pytest.fixture(autouse=True)
def temporary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def run_that_raises(monkeypatch: pytest.MonkeyPatch, error: BaseException, *more: str) -> int:
    def explode(*_: object, **__: object) -> None:
        secret = "text of a user"  # noqa: F841
        raise error

    monkeypatch.setattr("bertslim.recipe.recipe_files.load_recipe", explode)
    return run(["recipes", "validate", "drop_odd", *more])


def test_an_error_of_ours_is_kept() -> None:
    ours = DataError("has no rows")
    assert failure(ours) is ours
    assert type(failure(MemoryError())) is InputError


def test_a_defect_is_one_line_and_a_file_with_the_traceback(
    temporary: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_that_raises(monkeypatch, ZeroDivisionError("two\nlines \x1b[31m")) == 70
    out, err = capfd.readouterr()
    (file,) = temporary.iterdir()
    assert out == ""
    assert err == (
        "bertslim: a defect of bertslim: ZeroDivisionError: two lines [31m; "
        f"please report it with the traceback in {file}\n"
    )
    written = file.read_text(encoding="utf-8")
    assert written.startswith("bertslim ")
    assert "in explode" in written
    assert "ZeroDivisionError: two" in written
    assert "drop_odd" not in written


def test_the_traceback_is_shown_on_request(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_that_raises(monkeypatch, KeyError("a"), "--debug") == 70
    err = capfd.readouterr().err
    assert err.startswith("Traceback (most recent call last):\n")
    assert err.splitlines()[-1].startswith("bertslim: a defect of bertslim: KeyError: 'a'; please")


def test_where_no_file_can_be_written_the_line_still_comes(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bertslim.cli.failures.updated_file", refuse)
    assert run_that_raises(monkeypatch, AssertionError()) == 70
    assert capfd.readouterr().err == (
        "bertslim: a defect of bertslim: AssertionError; please report it with the traceback "
        "that --debug shows\n"
    )


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (MemoryError(), "memory ran out; a smaller batch, length or number of rows needs less"),
        (
            type("PanicException", (BaseException,), {})("index out of bounds"),
            "a file cannot be read: PanicException: index out of bounds",
        ),
    ],
)
def test_what_is_to_be_expected_leaves_no_file(
    temporary: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    line: str,
) -> None:
    assert run_that_raises(monkeypatch, error) == 2
    assert capfd.readouterr() == ("", f"bertslim: {line}\n")
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("word", ["no\nsuch::error::x", "--no-such\x1b[31m", "x" * 5000])
def test_what_is_typed_comes_back_on_one_short_line(
    capfd: pytest.CaptureFixture[str], word: str
) -> None:
    assert run([word]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert err.isprintable() or err[:-1].isprintable()
    assert len(err) < 700
