"""Tokens of the calibration texts, out of their texts: for what treats each token by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from bertslim.data.task import Batch
from bertslim.repair.calibration import BoundaryStates, Calibration, CalibrationBatch
from bertslim.repair.split_moments import Values


@dataclass(frozen=True)
class WeighedTokens:
    """Some tokens.

    Attributes:
        batch: The tokens as one sequence without a text, (1, tokens); its states are copies.
        weights: How much each counts, (1, tokens).
    """

    batch: CalibrationBatch
    weights: Tensor


class TokenPool:
    """Tokens of all calibration texts, of which this process has those of its own texts.

    Args:
        calibration: The texts.
        weights: How much each token of a batch counts, (sequences, length).
        chosen: Which tokens of a batch belong to the pool, (sequences, length).
    """

    def __init__(self, calibration: Calibration, weights: Values, chosen: Values) -> None:
        self._batches = calibration.batches
        self._weights = [weights(batch).flatten() for batch in self._batches]
        self._places = [chosen(batch).flatten().nonzero()[:, 0] for batch in self._batches]
        ranks = calibration.ranks
        batches = int(ranks.total(torch.tensor(len(self._batches))))
        numbers = torch.arange(batches).view(-1, calibration.parts)
        own = numbers[ranks.rank :: ranks.count].flatten()  # as `Ranks.share` has the texts
        counts = torch.zeros(batches, dtype=torch.int64)
        counts[own] = torch.tensor([len(places) for places in self._places])
        counts = ranks.total(counts)
        self.count = int(counts.sum())
        """How many tokens all processes have."""
        self._starts = (counts.cumsum(0) - counts)[own].tolist()

    def each(self) -> Iterator[WeighedTokens]:
        """Yield the tokens that this process has, batch by batch."""
        for number, places in enumerate(self._places):
            yield self._taken([(number, places)])

    def drawn(self, count: int, draw: torch.Generator) -> WeighedTokens:
        """Draw tokens with replacement, the same whoever has them; return those of this process."""
        numbers = torch.randint(self.count, (count,), generator=draw)
        taken = []
        for number, (start, places) in enumerate(zip(self._starts, self._places, strict=True)):
            own = numbers - start
            taken.append((number, places[own[(own >= 0) & (own < len(places))]]))
        return self._taken(taken)

    def _taken(self, taken: list[tuple[int, Tensor]]) -> WeighedTokens:
        """Copy the tokens at some places of some batches."""

        def states(name: str) -> Tensor:
            every = [
                getattr(self._batches[number].states, name).flatten(0, 1)[places]
                for number, places in taken
            ]
            return torch.cat(every).unsqueeze(0)

        copies = BoundaryStates(
            base=states("base"),
            slim=states("slim"),
            attention_sum=states("attention_sum"),
            ffn_sum=states("ffn_sum"),
        )
        weights = torch.cat([self._weights[number][places] for number, places in taken])
        every = torch.ones(copies.slim.shape[:-1], dtype=torch.bool)
        batch = CalibrationBatch(Batch({}, ()), (), fit=every, held=~every, states=copies)
        return WeighedTokens(batch, weights.unsqueeze(0))
