"""What cannot be written is named, with a remedy."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace

import pytest
from safetensors import SafetensorError

from bertslim.errors import DataError, OutputError
from bertslim.output.writing import check_space, room_beside, writing


def test_a_write_that_fails_is_an_error_that_names_the_output(tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught, writing(tmp_path):
        raise OSError(13, "Permission denied")
    assert str(caught.value) == (
        f"{tmp_path}: cannot be written (Permission denied); choose another output with -o"
    )


FULL = (
    "{}: cannot be written (No space left on device); make room, or choose another output with -o"
)


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 12992 vs 12886"),
        RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed"),
        SafetensorError(
            "Error while serializing: I/O error: No space left on device (os error 28)"
        ),
    ],
)
@pytest.mark.parametrize("context", [writing, room_beside])
def test_a_full_disk_is_one_however_a_library_says_it(
    context: Callable[[Path], AbstractContextManager[None]], error: Exception, tmp_path: Path
) -> None:
    with pytest.raises(OutputError) as caught, context(tmp_path):
        raise error
    assert str(caught.value) == FULL.format(tmp_path)


@pytest.mark.parametrize("error", [RuntimeError("shapes differ"), DataError("no space left")])
def test_what_has_nothing_to_do_with_the_disk_passes(error: Exception, tmp_path: Path) -> None:
    with pytest.raises(type(error)) as caught, writing(tmp_path), room_beside(tmp_path):
        raise error
    assert caught.value is error


def test_a_full_disk_of_temporary_files_is_not_blamed_on_the_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = {tmp_path: 1 << 30, Path(tempfile.gettempdir()): 0}
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=room[Path(path)]))
    full = OSError(28, "No space left on device")
    with pytest.raises(OSError, match="No space left"), room_beside(tmp_path / "out"):
        raise full
    room[tmp_path] = 0
    with pytest.raises(OutputError, match="out: cannot be written"), room_beside(tmp_path / "out"):
        raise full


def test_space_is_checked_before(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    check_space(tmp_path, free // 2)
    with pytest.raises(OutputError, match=r"MiB are needed, .* MiB are free; make room or choose"):
        check_space(tmp_path, 2 * free + 1)
