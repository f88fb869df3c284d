"""What cannot be written is named, with a remedy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bertslim.errors import OutputError
from bertslim.output.writing import check_space, writing


def test_a_write_that_fails_is_an_error_that_names_the_output(tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught, writing(tmp_path):
        raise OSError(13, "Permission denied")
    assert str(caught.value) == (
        f"{tmp_path}: cannot be written (Permission denied); choose another output with -o"
    )


def test_space_is_checked_before(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    check_space(tmp_path, free // 2)
    with pytest.raises(OutputError, match=r"MiB are needed, .* MiB are free; make room or choose"):
        check_space(tmp_path, 2 * free + 1)
