"""In which order rows are trained on: drawn anew each epoch, like lengths together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch.utils.data import Sampler
from transformers.trainer_pt_utils import get_length_grouped_indices


class EpochOrder(Sampler[int]):
    """An order that seed and epoch alone settle, also of a run that goes on in a later process.

    Args:
        lengths: Tokens of each row.
        batch_size: Rows a step, of all processes together.
        seed: Settles the order of every epoch.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int) -> None:
        self._lengths = list(lengths)
        self._batch_size = batch_size
        self._seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        draw = torch.Generator().manual_seed(self._seed * 1_000_003 + self.epoch)
        yield from get_length_grouped_indices(self._lengths, self._batch_size, generator=draw)
