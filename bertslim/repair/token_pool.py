"""Tokens of the calibration texts, out of their texts: for what treats each token by itself."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from bertslim.data.task import Batch
from bertslim.repair.calibration import BoundaryStates, Calibration, CalibrationBatch
from bertslim.repair.calibration_pool import Numbering, WeighedTokens
from bertslim.repair.split_moments import Values


class TokenPool:
    """Tokens of all calibration texts, of which this process has those of its own texts.

    Args:
        calibration: The texts.
        weights: How much each token of a batch counts, (sequences, length).
        chosen: Which tokens of a batch belong to the pool, (sequences, length).
        tokens_a_draw: How many tokens are drawn together, with replacement.
    """

    def __init__(
        self, calibration: Calibration, weights: Values, chosen: Values, *, tokens_a_draw: int
    ) -> None:
        self._batches = calibration.batches
        self._weights = [weights(batch).flatten() for batch in self._batches]
        self._places = [chosen(batch).flatten().nonzero()[:, 0] for batch in self._batches]
        self._numbering = Numbering.of(calibration, [len(places) for places in self._places])
        self._tokens_a_draw = tokens_a_draw
        self.tokens = self._numbering.count

    def each(self) -> Iterator[WeighedTokens]:
        """Yield the tokens that this process has, batch by batch."""
        for number, places in enumerate(self._places):
            yield self._taken([(number, places)])

    def drawn(self, draw: torch.Generator) -> WeighedTokens:
        """Draw tokens, the same whoever has them; return those of this process."""
        numbers = self._numbering.drawn(self._tokens_a_draw, draw)
        taken = [(batch, self._places[batch][own]) for batch, own in enumerate(numbers)]
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
        every = torch.ones_like(copies.slim[..., 0], dtype=torch.bool)
        batch = CalibrationBatch(Batch({}, ()), (), fit=every, held=~every, states=copies)
        return WeighedTokens(batch, weights.unsqueeze(0), every)
