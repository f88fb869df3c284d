"""Write a directory whole or not at all.

The files go to a hidden sibling directory first, which is renamed at the end. A directory that
stands at the target is moved aside before and removed after, so that a kill at any moment leaves
the old one whole, under its own name or under the name it was moved to, or the new one whole. The
next run puts a moved one back and removes what was left half-made. A lock that the kernel drops
with the process tells what is left over from what another run is writing now.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from bertslim.errors import OutputError
from bertslim.interrupts import held
from bertslim.output.file_list import list_files, read_file_list
from bertslim.output.inputs import Input
from bertslim.output.locks import is_locked, lock
from bertslim.output.placement import check_placement
from bertslim.output.writing import another_run, writing

_NEW = "bertslim-new"
_OLD = "bertslim-old"


def _nothing() -> None:
    """Do nothing once the output is in place."""


@contextmanager
def output_directory(
    target: Path,
    *,
    inputs: Sequence[Input],
    force: bool = False,
    when_done: Callable[[], None] = _nothing,
) -> Iterator[Path]:
    """Yield an empty directory that becomes `target` if the block ends without an exception.

    Args:
        target: Where the finished directory shall stand.
        inputs: What the run reads, which is never lost.
        force: Whether it may take the place of one that stands there, and that bertslim wrote.
        when_done: What else belongs to the moment at which the directory is in place.

    Raises:
        OutputError: `target` exists and may not be replaced, it is what must not be lost, holds it
            or lies within it, another run is writing there, or it cannot be written.
    """
    target = target.absolute()
    with writing(target):
        check_placement(target, inputs, "-o")
        _recover(target)
        _check_free(target, force=force)
    with _locked_directory(target) as new:
        yield new
        with writing(target), held():
            _settle(new)
            check_placement(target, inputs, "-o")
            _check_free(target, force=force)
            _put_in_place(new, target)
            when_done()


def _recover(target: Path) -> None:
    """Put back what a killed run had moved aside, and remove what it had left half-made."""
    if not target.parent.is_dir():
        return
    for old in _siblings(target, _OLD):
        if is_locked(_twin(target, old, _NEW)):
            continue
        if target.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.rename(target)
    for new in _siblings(target, _NEW):
        if is_locked(new):
            raise another_run(target, "-o")
        shutil.rmtree(new, ignore_errors=True)


def _siblings(target: Path, kind: str) -> list[Path]:
    prefix = _prefix(target, kind)
    return [path for path in target.parent.iterdir() if path.name.startswith(prefix)]


def _twin(target: Path, sibling: Path, kind: str) -> Path:
    """Return the sibling of another kind that the same run made."""
    return target.with_name(_prefix(target, kind) + sibling.name.rpartition("-")[2])


def _prefix(target: Path, kind: str) -> str:
    return f".{target.name}.{kind}-"


def _check_free(target: Path, *, force: bool) -> None:
    """Check that nothing stands at the target, or only what may be replaced."""
    if not target.exists() and not target.is_symlink():
        return
    kept = _why_kept(target)
    if kept:
        remedy = "choose another output with -o, or remove it yourself"
        raise OutputError(f"exists already, and {kept}", where=str(target), remedy=remedy)
    if not force:
        raise OutputError(
            "exists already", where=str(target), remedy="add --force or choose another with -o"
        )


def _why_kept(target: Path) -> str | None:
    """Say why what stands at the target is never replaced; None where it is bertslim's own."""
    if target.is_symlink() or not target.is_dir():
        return "is not a directory"
    if not any(target.iterdir()):
        return None
    listed = read_file_list(target)
    if listed is None:
        return "bertslim did not write it"
    foreign = listed.foreign(target)
    return f"holds {foreign}, which bertslim did not write" if foreign else None


@contextmanager
def _locked_directory(target: Path) -> Iterator[Path]:
    with _parents(target), ExitStack() as stack:
        with writing(target), held():
            new = Path(tempfile.mkdtemp(prefix=_prefix(target, _NEW), dir=target.parent))
            stack.callback(_remove, new)
            stack.callback(os.close, lock(new))
            if not new.exists():  # another run took it for a leftover before it was locked
                raise another_run(target, "-o")
        yield new


def _remove(directory: Path) -> None:
    with held():
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _parents(target: Path) -> Iterator[None]:
    """Make the directories above, and remove them again if nothing comes of it."""
    made = [path for path in target.parents if not path.exists()]
    try:
        with writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        _remove_empty(made)


def _remove_empty(directories: list[Path]) -> None:
    for directory in directories:
        with suppress(OSError):
            directory.rmdir()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _put_in_place(new: Path, target: Path) -> None:
    if not target.exists():
        _rename(new, target)
        return
    old = _twin(target, new, _OLD)
    target.rename(old)
    try:
        _rename(new, target)
    except BaseException:  # an interrupt too
        with suppress(OSError):
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _rename(new: Path, target: Path) -> None:
    try:
        new.rename(target)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise another_run(target, "-o") from error
        raise


def _settle(directory: Path) -> None:
    """List the files, give everything the usual permissions, and bring it to the disk."""
    list_files(directory)
    mask = _umask()
    for path in (directory, *directory.rglob("*")):
        if path.is_symlink():
            continue
        path.chmod((0o777 if path.is_dir() else 0o666) & ~mask)
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
