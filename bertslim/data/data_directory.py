"""Which files of a directory are read, and which of them are reported on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bertslim.data.split_names import REPORTED, TRAIN, by_split
from bertslim.errors import DataError
from bertslim.wording import listed


@dataclass(frozen=True)
class ChosenFiles:
    """The files of a directory.

    Attributes:
        read: The files whose rows are read, in the order of their names.
        held_out: The files of each split that may be reported on, the first choice first.
    """

    read: tuple[Path, ...]
    held_out: tuple[tuple[Path, ...], ...] = ()


def choose_files(files: Sequence[Path], source: str) -> ChosenFiles:
    """Choose by the names, as `datasets` does: those of "train" are read, those of others not.

    Args:
        files: The data files of the directory, in the order of their names.
        source: The directory, as the user gave it.

    Raises:
        DataError: A name says two splits, or there are splits to report on and none to fit on.
    """
    if len(files) == 1:
        return ChosenFiles(tuple(files))
    by_name = {file.name: file for file in files}
    splits = {
        split: tuple(by_name[name] for name in names)
        for split, names in by_split(by_name, where=source).items()
    }
    train, others = splits.get(TRAIN, ()), splits.get("", ())
    reported = tuple(splits[split] for split in REPORTED if split in splits)
    if not train and not reported:
        return ChosenFiles(others)
    if train:
        return ChosenFiles(train, reported)
    if len(splits) == 1:
        return ChosenFiles(reported[0])
    names = listed([file.name for file in files])
    raise DataError(
        f"cannot tell which of its files to fit on: {names}",
        where=source,
        remedy="name one file, and another as --eval-data",
    )
