"""The configuration and the tokenizer beside a file that was exported out of its checkpoint."""

from __future__ import annotations

import filecmp
import shutil
from dataclasses import dataclass
from pathlib import Path

from bertslim.model.copied_files import side_files
from bertslim.output.file import FileRules, output_file
from bertslim.output.writing import writing


def path_within(checkpoint: Path, output: Path) -> Path | None:
    """Return the path of a file in a checkpoint or a folder there; None where it is elsewhere."""
    folder, directory = output.absolute().parent.resolve(), checkpoint.resolve()
    return folder.relative_to(directory) / output.name if folder.is_relative_to(directory) else None


@dataclass(frozen=True)
class SideFiles:
    """Files that have to stand beside an exported one, and where they come from.

    Attributes:
        source: The checkpoint.
        target: The directory of the exported file.
        names: Paths in both; none where the target lies within the checkpoint.
    """

    source: Path
    target: Path
    names: tuple[Path, ...]

    @classmethod
    def of(cls, checkpoint: Path, output: Path) -> SideFiles:
        """Take those of a checkpoint for a file that is written elsewhere."""
        within = path_within(checkpoint, output) is not None
        names = () if within else side_files(checkpoint)
        return cls(checkpoint, output.absolute().parent, names)

    def check(self, rules: FileRules) -> None:
        """Refuse to put the file beside another model's.

        Args:
            rules: What holds for the files.

        Raises:
            OutputError: There is a file of that name with something else in it.
        """
        for name in self._lacking():
            rules.check(self.target / name)

    def copy(self, rules: FileRules) -> None:
        """Copy what is not there yet.

        Args:
            rules: What holds for the files.

        Raises:
            OutputError: One cannot be written, or something else has come to stand in its place.
        """
        for name in self._lacking():
            copy = self.target / name
            with writing(copy):
                copy.parent.mkdir(parents=True, exist_ok=True)
            with output_file(copy, rules) as new, writing(copy):
                shutil.copyfile(self.source / name, new)

    def _lacking(self) -> list[Path]:
        return [name for name in self.names if not self._is_there(name)]

    def _is_there(self, name: Path) -> bool:
        copy = self.target / name
        return copy.is_file() and filecmp.cmp(self.source / name, copy, shallow=False)
