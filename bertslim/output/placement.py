"""Where an output may be: nowhere that the run reads, and not around where it runs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

from bertslim.errors import OutputError
from bertslim.output.inputs import Input

_DEEPEST_LINK = 2  # a checkpoint has folders for modules, and a snapshot of the Hub links to files

Identity = tuple[int, int] | str
"""What stays the same by whatever path something is reached: device and inode, if it is there."""


def check_placement(
    target: Path, inputs: Sequence[Input], option: str, *, beside: Path | None = None
) -> None:
    """Check that an output neither replaces, contains nor lies within what the run reads.

    Args:
        target: The output.
        inputs: What the run reads.
        option: What names the output on the command line, for messages.
        beside: The directory among the inputs that the output is added to as a new file.

    Raises:
        OutputError: It does, or it contains the current or the home directory.
    """
    own = _ancestry(target)
    for name, path in _of_the_user():
        if own[0] in _ancestry(path):
            raise _refused(target, f"is the {name}, or holds it", option)
    for read in inputs:
        relation = _relation(own, read.path)
        if relation == "within" and beside is not None and _is_same(read.path, beside):
            continue
        if relation is not None:
            raise _refused(target, _WORDS[relation].format(read.name), option)


def check_apart(outputs: Sequence[tuple[str, Path]]) -> None:
    """Check that no two outputs of a run are the same file.

    Args:
        outputs: The option that names each, and its path.

    Raises:
        OutputError: Two are.
    """
    seen: dict[Identity, str] = {}
    for option, path in outputs:
        identity = _ancestry(path)[0]
        if identity in seen:
            raise _refused(path, f"is named by {seen[identity]} already", option)
        seen[identity] = option


_WORDS = {
    "same": "is what this run reads as {}",
    "within": "lies within what this run reads as {}",
    "holds": "holds what this run reads as {}",
}


def _of_the_user() -> Iterator[tuple[str, Path]]:
    yield "current directory", Path.cwd()
    with suppress(RuntimeError):  # a user without a home
        yield "home directory", Path.home()


def _relation(own: Sequence[Identity], read: Path) -> Literal["same", "within", "holds"] | None:
    theirs = _ancestry(read)
    if own[0] == theirs[0]:
        return "same"
    if theirs[0] in own:
        return "within"
    further = (read.absolute().parent, *_linked(read))
    if any(own[0] in ancestry for ancestry in (theirs, *map(_ancestry, further))):
        return "holds"
    return None


def _linked(directory: Path, depth: int = _DEEPEST_LINK) -> Iterator[Path]:
    """Yield the links in a directory: what they lead to is read, too."""
    if depth == 0 or not directory.is_dir():
        return
    for entry in os.scandir(directory):
        if entry.is_symlink():
            yield Path(entry.path)
        elif entry.is_dir():
            yield from _linked(Path(entry.path), depth - 1)


def _is_same(first: Path, second: Path) -> bool:
    return _ancestry(first)[0] == _ancestry(second)[0]


def _ancestry(path: Path) -> list[Identity]:
    """Return the identities of a path and of all directories above, links resolved."""
    resolved = path.resolve()
    return [_identity(each) for each in (resolved, *resolved.parents)]


def _identity(path: Path) -> Identity:
    try:
        status = path.stat()
    except OSError:
        return str(path)
    return status.st_dev, status.st_ino


def _refused(target: Path, what: str, option: str) -> OutputError:
    return OutputError(what, where=str(target), remedy=f"choose another output with {option}")
