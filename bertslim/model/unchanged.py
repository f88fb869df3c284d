"""Tells whether a checkpoint was written by someone else while it was read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bertslim.errors import ModelError
from bertslim.file_names import CONFIG_FILE
from bertslim.model.checkpoint_files import find_weights
from bertslim.model.git_lfs import require_fetched

_Stamp = tuple[int, int, int]


@contextmanager
def unchanged(*directories: Path) -> Iterator[None]:
    """Check at the end of the block that checkpoints are as they were at its beginning.

    What was made of a checkpoint that changed meanwhile is a mixture of two.

    Args:
        directories: The checkpoints that the block reads.

    Raises:
        ModelError: A configuration or a file of weights was written or replaced meanwhile.
    """
    before = {directory: _stamps(directory) for directory in directories}
    yield
    for directory, stamps in before.items():
        now = _stamps(directory)
        if changed := sorted(path for path in {*stamps, *now} if stamps.get(path) != now.get(path)):
            raise ModelError(
                "was written while it was read, so that nothing made of it can be trusted",
                where=str(changed[0]),
                remedy="run it again when the checkpoint is complete",
            )


def _stamps(directory: Path) -> dict[Path, _Stamp]:
    """Return size, time and number of each file; reading them again would take as long."""
    require_fetched(directory / CONFIG_FILE)
    stamps = {}
    for path in (directory / CONFIG_FILE, *find_weights(directory).paths):
        found = path.stat()
        stamps[path] = found.st_size, found.st_mtime_ns, found.st_ino
    return stamps
