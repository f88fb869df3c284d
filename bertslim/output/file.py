"""Write a file whole or not at all, in place of nothing but what bertslim wrote."""

from __future__ import annotations

import os
import secrets
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from bertslim.errors import OutputError
from bertslim.interrupts import held
from bertslim.output.file_list import add_to_list, read_file_list
from bertslim.output.inputs import Input
from bertslim.output.locks import is_locked, lock
from bertslim.output.placement import check_placement
from bertslim.output.writing import another_run, writing

_NEW = "bertslim-new"


class Origin(ABC):
    """How it is told that bertslim wrote a file, so that it may be replaced."""

    @abstractmethod
    def is_own(self, target: Path) -> bool:
        """Whether bertslim wrote the file that stands there."""

    @abstractmethod
    def note(self, target: Path) -> None:
        """Take note that the file is about to be put in place."""


@dataclass(frozen=True)
class Listed(Origin):
    """Files that the list of a directory names as added to it.

    Attributes:
        directory: It, or a directory above the file.
    """

    directory: Path

    def is_own(self, target: Path) -> bool:
        """Whether the list has it."""
        listed = read_file_list(self.directory)
        return listed is not None and self._name(target) in listed.added

    def note(self, target: Path) -> None:
        """List it."""
        add_to_list(self.directory, [self._name(target)])

    def _name(self, target: Path) -> str:
        return os.path.relpath(target.parent.resolve() / target.name, self.directory.resolve())


@dataclass(frozen=True)
class Marked(Origin):
    """Files whose content says that bertslim wrote them.

    Attributes:
        mark: How all of them start.
    """

    mark: str

    def is_own(self, target: Path) -> bool:
        """Whether it starts so, or is empty."""
        mark = self.mark.encode()
        with target.open("rb") as file:
            return file.read(len(mark)) in (b"", mark)

    def note(self, target: Path) -> None:
        """Note nothing: the content says it."""


@dataclass(frozen=True)
class FileRules:
    """Where a file may be written, and what it may replace.

    Attributes:
        origin: What tells bertslim's own files from others.
        inputs: What the run reads, which is never lost.
        force: Whether a file of bertslim's own may be replaced.
        option: What names the file on the command line, for messages.
        beside: The directory among the inputs that the file is added to.
        make_folders: Whether the folders that it is to stand in are made where they are missing.
    """

    origin: Origin
    inputs: Sequence[Input]
    force: bool = False
    option: str = "-o"
    beside: Path | None = None
    make_folders: bool = False

    def check(self, target: Path) -> None:
        """Check that a file may be written.

        Raises:
            OutputError: It may not.
        """
        if target.is_dir():
            raise OutputError(
                "is a directory", where=str(target), remedy=f"name a file with {self.option}"
            )
        check_placement(target, self.inputs, self.option, beside=self.beside)
        if not target.exists() and not target.is_symlink():
            return
        if target.is_symlink() or not target.is_file() or not self.origin.is_own(target):
            raise OutputError(
                "exists already, and bertslim did not write it for this",
                where=str(target),
                remedy=f"choose another output with {self.option}, or remove it yourself",
            )
        if not self.force:
            raise OutputError(
                "exists already",
                where=str(target),
                remedy=f"add --force or choose another with {self.option}",
            )


@contextmanager
def output_file(target: Path, rules: FileRules) -> Iterator[Path]:
    """Yield an empty file that becomes `target` if the block ends without an exception.

    Args:
        target: Where the finished file shall stand.
        rules: What holds for it.

    Raises:
        OutputError: `target` may not be written, another run is writing it, or it cannot be.
    """
    with output_files([target], rules) as (new,):
        yield new


@contextmanager
def output_files(targets: Sequence[Path], rules: FileRules) -> Iterator[list[Path]]:
    """Yield empty files that become `targets` if the block ends without an exception.

    They are put in place from the last to the first. The first is the one that leads to the others:
    while they are exchanged there is none, so that an old one never stands beside new others.

    Args:
        targets: Where the finished files shall stand.
        rules: What holds for them.

    Raises:
        OutputError: As above, for any of them.
    """
    targets = [target.absolute() for target in targets]
    with ExitStack() as stack:
        files = [stack.enter_context(_checked_file(target, rules)) for target in targets]
        yield files
        with held():
            for target in targets:
                rules.check(target)
            for target in targets:
                with writing(target, rules.option):
                    rules.origin.note(target)
            if len(targets) > 1:
                with writing(targets[0], rules.option):
                    targets[0].unlink(missing_ok=True)
            for target, new in reversed(list(zip(targets, files, strict=True))):
                with writing(target, rules.option):
                    _put_in_place(new, target)


def same_file(written: Path, other: Path) -> None:
    """Give a file a second name: a hard link, and a copy where the disk knows none.

    Args:
        written: The file.
        other: The name; an empty file stands there.
    """
    other.unlink()
    try:
        other.hardlink_to(written)
    except OSError:
        shutil.copyfile(written, other)


@contextmanager
def updated_file(target: Path) -> Iterator[Path]:
    """Yield an empty file that takes the place of one of bertslim's own.

    Args:
        target: A file that bertslim keeps up to date, such as the record of a result.

    Raises:
        OutputError: It cannot be written.
    """
    target = target.absolute()
    with _new_file(target, "-o") as new:
        yield new
        with writing(target), held():
            _put_in_place(new, target)


@contextmanager
def _checked_file(target: Path, rules: FileRules) -> Iterator[Path]:
    with writing(target, rules.option):
        rules.check(target)
    with _folders(target, rules.option) if rules.make_folders else nullcontext():
        with writing(target, rules.option):
            _remove_stale(target, rules.option)
        with _new_file(target, rules.option) as new:
            yield new


@contextmanager
def _folders(target: Path, option: str) -> Iterator[None]:
    """Make the folders that a file is to stand in; those that stay empty are removed again."""
    lacking = [folder for folder in target.parents if not folder.exists()]
    with writing(target, option):
        target.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        for folder in lacking:
            with suppress(OSError):  # it holds files
                folder.rmdir()


@contextmanager
def _new_file(target: Path, option: str) -> Iterator[Path]:
    with ExitStack() as stack:
        with writing(target, option), held():
            # some libraries write to no name that ends otherwise
            new = target.with_name(f"{_prefix(target)}{secrets.token_hex(4)}{target.suffix}")
            os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666))
            stack.callback(new.unlink, missing_ok=True)
            stack.callback(os.close, lock(new))
        yield new


def _put_in_place(new: Path, target: Path) -> None:
    descriptor = os.open(new, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    new.replace(target)


def _prefix(target: Path) -> str:
    return f".{target.name}.{_NEW}-"


def _remove_stale(target: Path, option: str) -> None:
    """Remove what killed runs have left half-made.

    Raises:
        OutputError: Another run is writing the same file.
    """
    for path in target.parent.iterdir():
        if path.name.startswith(_prefix(target)):
            if is_locked(path):
                raise another_run(target, option)
            with suppress(OSError):
                path.unlink()
