"""A checkpoint that is written while it is read gives no result."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bertslim.errors import ModelError
from bertslim.model.unchanged import unchanged

WEIGHTS, CONFIG = "model.safetensors", "config.json"


@pytest.fixture
def checkpoint(make_checkpoint, tmp_path: Path) -> Path:
    """Return a checkpoint that may be changed."""
    return shutil.copytree(make_checkpoint(), tmp_path / "checkpoint")


def write_in_place(path: Path) -> None:
    """Change one byte; size and file stay."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))


def replace_by_a_copy(path: Path) -> None:
    """Put another file of the same content, size and time in its place."""
    copy = shutil.copy2(path, path.with_suffix(".copy"))
    Path(copy).replace(path)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("name", [WEIGHTS, CONFIG])
@pytest.mark.parametrize("change", [write_in_place, replace_by_a_copy])
def test_a_file_that_was_written_meanwhile_is_named(
    change: Callable[[Path], None], name: str, checkpoint: Path
) -> None:
    with pytest.raises(ModelError) as caught, unchanged(checkpoint):
        change(checkpoint / name)
    assert str(caught.value) == (
        f"{checkpoint / name}: was written while it was read, so that nothing made of it can be "
        "trusted; run it again when the checkpoint is complete"
    )


def test_a_file_that_is_still_being_written_is_refused(checkpoint: Path) -> None:
    with pytest.raises(ModelError, match="the file is cut short by 1 bytes"), unchanged(checkpoint):
        cut_short(checkpoint / WEIGHTS)


def test_other_files_may_come_and_go(checkpoint: Path) -> None:
    with unchanged(checkpoint, checkpoint):
        (checkpoint / "model.onnx").write_bytes(b"x")
        (checkpoint / CONFIG).read_text()


def test_an_error_of_the_work_comes_first(checkpoint: Path) -> None:
    def work() -> None:
        with unchanged(checkpoint):
            write_in_place(checkpoint / WEIGHTS)
            raise KeyError

    with pytest.raises(KeyError):
        work()
