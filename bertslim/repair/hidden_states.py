"""Room for the hidden states at the boundary that repair has come to: in memory, then on disk."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from bertslim.errors import OutputError

MEMORY_BUDGET = 2 << 30


class HiddenStateRoom:
    """Hands out tensors; past a budget they lie in a file and the system pages them."""

    def __init__(self, folder: Path, budget: int) -> None:
        self._folder = folder
        self._left = budget
        self._files = 0

    def take(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """Return a tensor of this shape whose content is not settled yet.

        Raises:
            OutputError: The disk is full.
        """
        size = math.prod(shape) * dtype.itemsize
        if size <= self._left:
            self._left -= size
            return torch.empty(shape, dtype=dtype)
        self._files += 1
        path = self._folder / str(self._files)
        try:
            with path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, size)
            flat = torch.from_file(str(path), shared=True, size=math.prod(shape), dtype=dtype)
        except (OSError, RuntimeError) as error:
            raise OutputError(
                "no room on disk for the hidden states of the calibration texts",
                where=str(self._folder),
                remedy="free some, or lower `samples` under `reconstruct`",
            ) from error
        return flat.view(shape)


@contextmanager
def hidden_state_room(budget: int = MEMORY_BUDGET) -> Iterator[HiddenStateRoom]:
    """Open a room; its files are gone when it is left.

    Args:
        budget: Bytes to hold in memory.
    """
    with tempfile.TemporaryDirectory(prefix="bertslim-states-") as folder:
        yield HiddenStateRoom(Path(folder), budget)
