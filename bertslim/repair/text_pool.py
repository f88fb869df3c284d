"""Whole calibration texts: for what brings the tokens of a text together, as attention does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel

from bertslim.data.task import Batch
from bertslim.model.layer import layer_inputs
from bertslim.repair.calibration import Calibration, CalibrationBatch, StateBuffers
from bertslim.repair.calibration_pool import Numbering, WeighedTokens
from bertslim.repair.split_moments import Values


class TextPool:
    """Groups of calibration texts, of which this process has those of its own texts.

    Args:
        model: What brings texts to the layers, masks included: the base.
        calibration: The texts.
        weights: How much each token of a batch counts, (sequences, length).
        chosen: Which tokens of a batch belong to the pool, (sequences, length).
        tokens_a_draw: About how many tokens, padding included, the texts have that are drawn
            together: as many texts of one batch as have no more, but at least one.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        calibration: Calibration,
        weights: Values,
        chosen: Values,
        *,
        tokens_a_draw: int,
    ) -> None:
        self._model = model
        self._batches = [
            _Grouped(batch, weights(batch), chosen(batch), tokens_a_draw)
            for batch in calibration.batches
        ]
        self._numbering = Numbering.of(calibration, [len(one.groups) for one in self._batches])
        count = sum(int(one.chosen.sum()) for one in self._batches)
        self.tokens = int(calibration.ranks.total(torch.tensor(count)))

    def each(self) -> Iterator[WeighedTokens]:
        """Yield the texts that this process has, group by group."""
        for batch in self._batches:
            for group in batch.groups:
                yield batch.taken(group, self._model)

    def drawn(self, draw: torch.Generator) -> WeighedTokens | None:
        """Draw a group, the same whoever has it; return it in the process that does."""
        numbers = self._numbering.drawn(1, draw)
        for batch, own in zip(self._batches, numbers, strict=True):
            for number in own.tolist():
                return batch.taken(batch.groups[number], self._model)
        return None


@dataclass(frozen=True)
class _Grouped:
    """A batch whose texts go in groups.

    Attributes:
        batch: The texts.
        weights: How much each token counts, (sequences, length).
        chosen: Which tokens belong to the pool, (sequences, length).
        tokens_a_group: About how many tokens a group has.
    """

    batch: CalibrationBatch
    weights: Tensor
    chosen: Tensor
    tokens_a_group: int

    @property
    def groups(self) -> tuple[Tensor, ...]:
        """The sequences of each group that have tokens of the pool."""
        sequences = self.chosen.any(dim=1).nonzero()[:, 0]
        size = max(1, self.tokens_a_group // self.chosen.shape[1])
        return torch.split(sequences, size) if len(sequences) else ()

    def taken(self, sequences: Tensor, model: PreTrainedModel) -> WeighedTokens:
        """Copy some sequences, with what each layer gets beside their states."""
        given, states = self.batch, self.batch.states
        inputs = {name: values[sequences] for name, values in given.batch.inputs.items()}
        rows = tuple(given.batch.rows[number] for number in sequences.tolist())
        batch = CalibrationBatch(
            Batch(inputs, rows),
            layer_inputs(model, inputs)[1],
            fit=given.fit[sequences],
            held=given.held[sequences],
            states=StateBuffers(
                base=states.base[sequences],
                slim=states.slim[sequences],
                attention_sum=states.attention_sum[sequences],
                ffn_sum=states.ffn_sum[sequences],
            ),
        )
        return WeighedTokens(batch, self.weights[sequences], self.chosen[sequences])
