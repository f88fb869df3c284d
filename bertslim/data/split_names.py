"""Which split a file or a key holds, by its name, as `datasets` tells it."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from datasets.data_files import DEFAULT_PATTERNS_SPLIT_IN_FILENAME

from bertslim.errors import DataError
from bertslim.wording import shown

TRAIN = "train"
REPORTED = ("test", "validation")  # the first that there is


def splits_in(name: str) -> tuple[str, ...]:
    """Return the splits that a name has a word for, such as "test" for `sst2-eval.csv`."""
    path = f"/{name.lower()}."  # the patterns ask for something behind the word
    return tuple(
        str(split)
        for split, patterns in DEFAULT_PATTERNS_SPLIT_IN_FILENAME.items()
        if any(fnmatchcase(path, pattern) for pattern in patterns)
    )


def by_split(names: Iterable[str], *, where: str) -> dict[str, list[str]]:
    """Sort names by split, in the order given; those of none are under "".

    Args:
        names: Names of files, or of keys.
        where: What they stand in, for messages.

    Raises:
        DataError: A name has words for several splits.
    """
    found: dict[str, list[str]] = {}
    for name in names:
        splits = splits_in(name) or ("",)
        if len(splits) > 1:
            raise DataError(
                f"the name {shown(name)} says both {' and '.join(splits)}",
                where=where,
                remedy="name one file, and give the other as --eval-data",
            )
        found.setdefault(splits[0], []).append(name)
    return found
