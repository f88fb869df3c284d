"""Parts of the calibration texts that are drawn at random, alike in all processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from bertslim.repair.calibration import Calibration, CalibrationBatch


@dataclass(frozen=True)
class WeighedTokens:
    """Some tokens.

    Attributes:
        batch: What they are taken from; its states are copies.
        weights: How much each counts, (sequences, length).
        chosen: Which of the batch they are, (sequences, length).
    """

    batch: CalibrationBatch
    weights: Tensor
    chosen: Tensor


class CalibrationPool(Protocol):
    """The tokens of all calibration texts that something is fitted to, or measured on.

    Attributes:
        tokens: How many they are, in all processes together.
    """

    tokens: int

    def each(self) -> Iterator[WeighedTokens]:
        """Yield those that this process has, part by part."""

    def drawn(self, draw: torch.Generator) -> WeighedTokens | None:
        """Draw some, the same whoever has them; return those of this process, if it has any."""


@dataclass(frozen=True)
class Numbering:
    """How what the batches of all processes hold is numbered, batch after batch.

    Attributes:
        count: How many numbers there are.
        starts: The first number of each batch of this process.
        sizes: How many numbers each of these has.
    """

    count: int
    starts: Sequence[int]
    sizes: Sequence[int]

    @classmethod
    def of(cls, calibration: Calibration, sizes: Sequence[int]) -> Numbering:
        """Number what the batches hold; all processes must ask.

        Args:
            calibration: The texts.
            sizes: How much each batch of this process holds.
        """
        ranks = calibration.ranks
        batches = int(ranks.total(torch.tensor(len(calibration.batches))))
        numbers = torch.arange(batches).view(-1, calibration.parts)
        own = numbers[ranks.rank :: ranks.count].flatten()  # as `Ranks.share` has the texts
        counts = torch.zeros(batches, dtype=torch.int64)
        counts[own] = torch.tensor(sizes)
        counts = ranks.total(counts)
        starts = (counts.cumsum(0) - counts)[own].tolist()
        return cls(int(counts.sum()), starts, sizes)

    def drawn(self, count: int, draw: torch.Generator) -> list[Tensor]:
        """Draw numbers with replacement; return which each batch of this process has, from 0."""
        numbers = torch.randint(self.count, (count,), generator=draw)
        shifted = [numbers - start for start in self.starts]
        return [
            own[(own >= 0) & (own < size)] for own, size in zip(shifted, self.sizes, strict=True)
        ]
