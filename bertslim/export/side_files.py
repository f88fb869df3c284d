"""The configuration and the tokenizer beside an exported file, where its runtimes look for them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bertslim.model.copied_files import CopiedFile, CopiedFiles, side_files
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
        copied: What goes there; nothing where the target is the checkpoint itself.
    """

    source: Path
    target: Path
    copied: CopiedFiles

    @classmethod
    def of(cls, checkpoint: Path, output: Path) -> SideFiles:
        """Take those of a checkpoint for a file that is written into another folder."""
        in_it = path_within(checkpoint, output) == Path(output.name)
        copied = CopiedFiles(()) if in_it else side_files(checkpoint)
        return cls(checkpoint, output.absolute().parent, copied)

    @property
    def names(self) -> tuple[Path, ...]:
        """The paths of the files in the target."""
        return tuple(file.name for file in self.copied.files)

    def check(self, rules: FileRules) -> None:
        """Refuse to put the file beside another model's.

        Args:
            rules: What holds for the files.

        Raises:
            OutputError: There is a file of that name with something else in it.
        """
        for file in self._lacking():
            rules.check(self.target / file.name)

    def copy(self, rules: FileRules) -> None:
        """Copy what is not there yet.

        Args:
            rules: What holds for the files.

        Raises:
            OutputError: One cannot be written, or something else has come to stand in its place.
        """
        for file in self._lacking():
            copy = self.target / file.name
            with writing(copy):
                copy.parent.mkdir(parents=True, exist_ok=True)
            with output_file(copy, rules) as new, writing(copy):
                new.write_bytes(file.content)

    def _lacking(self) -> list[CopiedFile]:
        return [file for file in self.copied.files if not self._is_there(file)]

    def _is_there(self, file: CopiedFile) -> bool:
        copy = self.target / file.name
        return copy.is_file() and copy.read_bytes() == file.content
