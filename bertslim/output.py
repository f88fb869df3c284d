"""Write a directory or a file whole or not at all.

The files of a directory go to a hidden sibling directory first, which is renamed at the end. A
directory that stands at the target is moved aside before and removed after, so that a kill at any
moment leaves the old one whole, under its own name or under the name it was moved to, or the new
one whole. The
next run puts a moved one back and removes what was left half-made. A lock that the kernel drops
with the process tells what is left over from what another run is writing now.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from bertslim.errors import OutputError

_NEW = "bertslim-new"
_OLD = "bertslim-old"


@contextmanager
def output_directory(
    target: Path, *, force: bool = False, keep: Path | None = None
) -> Iterator[Path]:
    """Yield an empty directory that becomes `target` if the block ends without an exception.

    Args:
        target: Where the finished directory shall stand.
        force: Whether it may take the place of one that stands there.
        keep: A directory that must not be lost, such as the input; nor may the current one.

    Raises:
        OutputError: `target` exists and `force` is not given, it holds what must not be lost, or
            it cannot be written.
    """
    target = target.absolute()
    with writing(target):
        _recover(target)
        _check_free(target, force=force)
        _check_keeps(target, [Path.cwd(), *([keep] if keep else [])])
    with _locked_directory(target) as new:
        yield new
        with writing(target):
            _check_free(target, force=force)
            _put_in_place(new, target)


@contextmanager
def writing(target: Path, option: str = "-o") -> Iterator[None]:
    """Turn the failure to write a file into an error that names the output, and the option for it.

    Raises:
        OutputError: The block raised an OSError.
    """
    try:
        yield
    except OSError as error:
        raise _cannot_write(target, option, error) from error


def check_space(directory: Path, needed: int) -> None:
    """Check that `needed` bytes fit on the disk of `directory`.

    Raises:
        OutputError: They do not.
    """
    free = shutil.disk_usage(directory).free
    if needed > free:
        raise OutputError(
            f"{needed / 2**20:,.0f} MiB are needed, {free / 2**20:,.0f} MiB are free",
            where=str(directory.parent),
            remedy="make room or choose another output with -o",
        )


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
        if not is_locked(new):
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
    if not target.exists() and not target.is_symlink():
        return
    if not force:
        raise OutputError(
            "exists already", where=str(target), remedy="add --force or choose another with -o"
        )
    if target.is_symlink() or not target.is_dir():
        raise OutputError("is not a directory", where=str(target), remedy="choose another with -o")


def _check_keeps(target: Path, kept: list[Path]) -> None:
    for directory in kept:
        if target.exists() and directory.resolve().is_relative_to(target.resolve()):
            what = "is the current directory" if directory == Path.cwd() else "is the input"
            inside = "" if directory.resolve() == target.resolve() else " or holds it"
            raise OutputError(
                f"{what}{inside}", where=str(target), remedy="choose another output with -o"
            )


@contextmanager
def _locked_directory(target: Path) -> Iterator[Path]:
    with _parents(target):
        with writing(target):
            new = Path(tempfile.mkdtemp(prefix=_prefix(target, _NEW), dir=target.parent))
            descriptor = os.open(new, os.O_RDONLY)
        try:
            with writing(target):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield new
        finally:
            shutil.rmtree(new, ignore_errors=True)
            os.close(descriptor)


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


def is_locked(path: Path) -> bool:
    """Whether a live run holds the lock on a file or directory that it is writing."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _put_in_place(new: Path, target: Path) -> None:
    _settle(new)
    if not target.exists():
        new.rename(target)
        return
    old = _twin(target, new, _OLD)
    target.rename(old)
    try:
        new.rename(target)
    except BaseException:  # an interrupt too
        with suppress(OSError):
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _settle(directory: Path) -> None:
    """Give everything the usual permissions, and bring the files to the disk."""
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


def _cannot_write(target: Path, option: str, error: OSError) -> OutputError:
    return OutputError(
        f"cannot be written ({error.strerror or error})",
        where=str(target),
        remedy=f"choose another output with {option}",
    )


@contextmanager
def output_file(target: Path, *, force: bool = False, option: str = "-o") -> Iterator[Path]:
    """Yield an empty file that becomes `target` if the block ends without an exception.

    Args:
        target: Where the finished file shall stand.
        force: Whether it may take the place of one that stands there.
        option: What names the file on the command line, for messages.

    Raises:
        OutputError: `target` exists and `force` is not given, or it cannot be written.
    """
    target = target.absolute()
    _check_file_free(target, option, force=force)
    with writing(target, option):
        _remove_stale_files(target)
        # some libraries write to no name that ends otherwise
        new = target.with_name(f"{_file_prefix(target)}{secrets.token_hex(4)}{target.suffix}")
        descriptor = os.open(new, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield new
        _check_file_free(target, option, force=force)
        with writing(target, option):
            os.fsync(descriptor)
            new.replace(target)
    finally:
        new.unlink(missing_ok=True)
        os.close(descriptor)


@contextmanager
def output_files(*targets: Path, force: bool = False, option: str = "-o") -> Iterator[list[Path]]:
    """Yield empty files that become `targets` if the block ends without an exception.

    They are put in place from the last to the first. The first is the one that leads to the others:
    while they are exchanged there is none, so that an old one never stands beside new others.

    Args:
        targets: Where the finished files shall stand.
        force: As above.
        option: As above.

    Raises:
        OutputError: As above, for any of them.
    """
    with ExitStack() as stack:
        yield [
            stack.enter_context(output_file(target, force=force, option=option))
            for target in targets
        ]
        for target in targets:
            _check_file_free(target, option, force=force)
        if len(targets) > 1 and force:
            with writing(targets[0], option):
                targets[0].unlink(missing_ok=True)


def _check_file_free(target: Path, option: str, *, force: bool) -> None:
    if target.is_dir():
        raise OutputError("is a directory", where=str(target), remedy=f"name a file with {option}")
    if target.exists() and not force:
        raise OutputError(
            "exists already",
            where=str(target),
            remedy=f"add --force or choose another with {option}",
        )


def _file_prefix(target: Path) -> str:
    return f".{target.name}.{_NEW}-"


def _remove_stale_files(target: Path) -> None:
    for path in target.parent.iterdir():
        if path.name.startswith(_file_prefix(target)) and not is_locked(path):
            with suppress(OSError):
                path.unlink()
