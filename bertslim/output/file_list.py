"""The list of what bertslim wrote into a directory: whatever is not on it is somebody else's."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bertslim.file_names import FILE_LIST
from bertslim.output.locks import locked


@dataclass(frozen=True)
class FileList:
    """Files by their paths in a directory.

    Attributes:
        made: Those that the directory was made with.
        added: Those that were added one by one, and can be replaced so.
    """

    made: frozenset[str] = frozenset()
    added: frozenset[str] = frozenset()

    def foreign(self, directory: Path) -> str | None:
        """Return the first file or empty folder that is not listed; None where there is none."""
        listed = {FILE_LIST, *self.made, *self.added}
        for path in sorted(directory.rglob("*")):
            is_folder = path.is_dir() and not path.is_symlink()
            if is_folder and any(path.iterdir()):
                continue
            if path.relative_to(directory).as_posix() not in listed:
                return path.relative_to(directory).as_posix()
        return None


def read_file_list(directory: Path) -> FileList | None:
    """Return the list in a directory; None where there is none that can be read."""
    try:
        content = json.loads((directory / FILE_LIST).read_text(encoding="utf-8"))
        return FileList(**{name: frozenset(map(str, content[name])) for name in ("made", "added")})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def list_files(directory: Path) -> None:
    """Write the list of a directory that is new: all that is in it."""
    files = (path for path in directory.rglob("*") if path.is_symlink() or not path.is_dir())
    names = (path.relative_to(directory).as_posix() for path in files)
    _write(directory, FileList(made=frozenset(names) - {FILE_LIST}))


def add_to_list(directory: Path, names: Iterable[str]) -> None:
    """Add files to the list of a directory, which is made if there is none."""
    with locked(directory):
        before = read_file_list(directory) or FileList()
        _write(directory, replace(before, added=before.added | set(names)))


def _write(directory: Path, listed: FileList) -> None:
    new = directory / f"{FILE_LIST}.new"
    text = json.dumps({name: sorted(names) for name, names in asdict(listed).items()}, indent=2)
    new.write_text(text + "\n", encoding="utf-8")
    new.replace(directory / FILE_LIST)
