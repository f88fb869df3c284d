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

from bertslim.errors import BertslimError, OutputError

MEMORY_BUDGET = 2 << 30


class HiddenStateRoom:
    """Hands out tensors; on the CPU they lie in a file past a budget, and the system pages them."""

    def __init__(self, folder: Path, budget: int) -> None:
        self._folder = folder
        self._left = budget
        self._files = 0

    def take_like(self, states: Tensor) -> Tensor:
        """Return a tensor of this shape, type and device whose content is not settled yet.

        On a GPU all of them lie in its memory.

        Raises:
            OutputError: The disk is full.
            BertslimError: The memory of the GPU is.
        """
        shape, dtype = tuple(states.shape), states.dtype
        if states.device.type != "cpu":
            return _on_gpu(states)
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


def _on_gpu(states: Tensor) -> Tensor:
    try:
        return torch.empty_like(states)
    except torch.OutOfMemoryError as error:
        raise BertslimError(
            "no room on the GPU for the hidden states of the calibration texts",
            remedy="lower `samples` under `reconstruct`, or use --device cpu",
        ) from error


@contextmanager
def hidden_state_room(budget: int = MEMORY_BUDGET) -> Iterator[HiddenStateRoom]:
    """Open a room; its files are gone when it is left.

    Args:
        budget: Bytes to hold in memory.
    """
    with tempfile.TemporaryDirectory(prefix="bertslim-states-") as folder:
        yield HiddenStateRoom(Path(folder), budget)
