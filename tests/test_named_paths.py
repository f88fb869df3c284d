"""What a person named is found, or is not there; no name makes the search fail."""

from __future__ import annotations

from pathlib import Path

import pytest

import bertslim
from bertslim.named_paths import existing_path, exists, expanded, package_directories

NO_USER = "~no-such-user-anywhere/model"
TOO_LONG = "x" * 300


def test_the_home_directory_stands_for_its_sign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "model").mkdir()
    assert expanded("~/model") == tmp_path / "model"
    assert existing_path("~/model") == tmp_path / "model"
    assert existing_path(Path("~/model")) == tmp_path / "model"


@pytest.mark.parametrize("name", [NO_USER, TOO_LONG, "a\0b", "gone"])
def test_what_no_file_can_be_is_not_there(name: str) -> None:
    assert expanded(name) == Path(name)
    assert not exists(Path(name))
    assert existing_path(name) is None


def test_a_package_is_found_by_its_name() -> None:
    assert package_directories("bertslim") == tuple(map(Path, bertslim.__path__))


@pytest.mark.parametrize("name", ["no_such_package", "bertslim.cli", "", "../bertslim", "errno"])
def test_what_is_no_package_lies_nowhere(name: str) -> None:
    assert package_directories(name) == ()
