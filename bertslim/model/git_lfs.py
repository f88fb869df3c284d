"""Files that Git LFS has not fetched: a few lines of text stand in their place."""

from __future__ import annotations

from pathlib import Path

from bertslim.errors import ModelError

_POINTER = b"version https://git-lfs.github.com/spec/"


def require_fetched(path: Path) -> None:
    """Check that a file is what it is called, and no pointer to it.

    Raises:
        ModelError: It is a pointer of Git LFS, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            start = file.read(len(_POINTER))
    except OSError as error:
        raise ModelError(f"cannot be read ({error.strerror})", where=str(path)) from error
    if start == _POINTER:
        raise ModelError(
            "is a pointer of Git LFS, not the file itself",
            where=str(path),
            remedy="fetch the file with `git lfs pull`",
        )
