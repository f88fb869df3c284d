"""Tokens of the calibration texts, out of their texts: for what treats each token by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property

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
        """Take the tokens at some places of some batches, as one sequence."""
        weights = torch.cat([self._weights[number][places] for number, places in taken])
        every = torch.ones(1, len(weights), dtype=torch.bool, device=weights.device)
        states = _TakenStates([(self._batches[number].states, places) for number, places in taken])
        batch = CalibrationBatch(Batch({}, ()), (), fit=every, held=~every, states=states)
        return WeighedTokens(batch, weights.unsqueeze(0), every)


class _TakenStates:
    """States of tokens at some places of some batches, copied where they are asked for."""

    def __init__(self, taken: list[tuple[BoundaryStates, Tensor]]) -> None:
        self._taken = taken

    @cached_property
    def base(self) -> Tensor:
        return self._copied(lambda states: states.base)

    @cached_property
    def slim(self) -> Tensor:
        return self._copied(lambda states: states.slim)

    @cached_property
    def attention_sum(self) -> Tensor:
        return self._copied(lambda states: states.attention_sum)

    @cached_property
    def ffn_sum(self) -> Tensor:
        return self._copied(lambda states: states.ffn_sum)

    def _copied(self, one: Callable[[BoundaryStates], Tensor]) -> Tensor:
        every = [one(states).flatten(0, 1)[places] for states, places in self._taken]
        return torch.cat(every).unsqueeze(0)
