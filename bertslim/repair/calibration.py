"""The calibration texts on their way up through both models, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from bertslim.data.task import Batch
from bertslim.errors import DataError
from bertslim.model.layer import Layer, LayerArguments, family_of_model, layer_inputs
from bertslim.ranks import Ranks
from bertslim.repair.hidden_states import HiddenStateRoom
from bertslim.repair.token_weights import token_weights
from bertslim.wording import counted

HELD_SHARE = 0.2


@dataclass(frozen=True)
class States:
    """Where a batch starts: hidden states of both models, (sequences, length, hidden_size)."""

    base: Tensor
    slim: Tensor


class Starts(Protocol):
    """Where the batches of texts start."""

    def __call__(self, inputs: dict[str, Tensor], number: int) -> Iterator[States]:
        """Yield states of a batch, by its number among those of all processes.

        Each counts as a batch of its own; of every batch there are as many.
        """


class BoundaryStates(Protocol):
    """The states of a batch at the layer that repair has come to.

    Each is (sequences, length, hidden_size).

    Attributes:
        base: The base's hidden states: below the layer, and above it once the layer has run.
        slim: The same of the slim model; between the blocks of the layer for as long as its FFN
            block is repaired.
        attention_sum: The base's sum of attention block and residual.
        ffn_sum: The base's sum of FFN block and residual.
    """

    @property
    def base(self) -> Tensor:
        """The base's hidden states."""

    @property
    def slim(self) -> Tensor:
        """The slim model's."""

    @property
    def attention_sum(self) -> Tensor:
        """The base's sum of attention block and residual."""

    @property
    def ffn_sum(self) -> Tensor:
        """The base's sum of FFN block and residual."""


@dataclass(frozen=True)
class StateBuffers:
    """The same in buffers, which are overwritten in place, layer by layer.

    Nothing else of a `CalibrationBatch` changes.
    """

    base: Tensor
    slim: Tensor
    attention_sum: Tensor
    ffn_sum: Tensor


@dataclass(frozen=True)
class CalibrationBatch:
    """Texts that go through both models together.

    Attributes:
        batch: The texts as the models take them.
        given: What each layer of the base gets beside the hidden states.
        fit: (sequences, length): tokens that maps are solved from.
        held: The same of the tokens that only settle how strongly a map is held back.
        states: The states at the current layer, the only part that changes.
        sensitivity: Squared gradients of the base's outputs with respect to the two sums of each
            layer, (layers, 2, sequences, length); None: tokens count by variance alone.
        norms_centre: Whether the model's norms subtract the mean.
    """

    batch: Batch
    given: tuple[LayerArguments, ...]
    fit: Tensor
    held: Tensor
    states: BoundaryStates
    sensitivity: Tensor | None = None
    norms_centre: bool = True

    def run_base_attention(self, layer: Layer, number: int) -> None:
        """Bring the base from below a layer, of this number, to the sum of its attention block."""
        states, attention, given = self.states, layer.attention, self.given[number]
        context = attention.context(states.base, given) if attention.is_present else None
        states.attention_sum.copy_(attention.join(states.base, context))

    def run_base_ffn(self, layer: Layer) -> None:
        """Bring the base from the sum of a layer's attention block to above the layer."""
        states = self.states
        states.ffn_sum.copy_(layer.ffn.join(layer.attention.normalise(states.attention_sum)))
        states.base.copy_(layer.ffn.normalise(states.ffn_sum))

    def attention_weights(self, layer: int) -> Tensor:
        """Return the weight of each token in a fit of the layer's attention sum."""
        return self._weights(self.states.attention_sum, layer, 0)

    def ffn_weights(self, layer: int) -> Tensor:
        """Return the weight of each token in a fit of the layer's FFN sum."""
        return self._weights(self.states.ffn_sum, layer, 1)

    def equal_weights(self) -> Tensor:
        """Return the same weight for all tokens."""
        slim = self.states.slim
        return slim.new_ones(slim.shape[:-1])

    def _weights(self, sums: Tensor, layer: int, place: int) -> Tensor:
        sensitivity = None if self.sensitivity is None else self.sensitivity[layer][place]
        return token_weights(sums, sensitivity, centred=self.norms_centre)


@dataclass(frozen=True)
class Calibration:
    """The calibration texts of this process, and the processes that share them all.

    Attributes:
        batches: The texts.
        ranks: The processes.
        parts: How many of them, one after the other, are of the same batch of texts.
    """

    batches: Sequence[CalibrationBatch]
    ranks: Ranks
    parts: int = 1


def open_calibration(
    model: PreTrainedModel,
    batches: Sequence[Batch],
    room: HiddenStateRoom,
    *,
    starts: Starts | None = None,
    sensitivity: Sequence[Tensor] | None = None,
    seed: int,
    ranks: Ranks,
) -> Calibration:
    """Bring the texts to where they start, on the device of the model.

    A fifth of the texts, drawn by seed, is held out; all parts of a text are on one side.

    Args:
        model: The base; the slim model's embeddings are the same.
        batches: The texts.
        room: Where the hidden states are kept.
        starts: Where they start; None: before the first layer.
        sensitivity: As `CalibrationBatch` has it, for each of the batches.
        seed: Settles which texts are held out.
        ranks: The processes that share the texts.

    Raises:
        DataError: There are fewer than two texts, or fewer batches than processes.
    """
    if len(batches) < ranks.count:
        raise DataError(
            f"{ranks.count} processes share the texts, which are too few for that: "
            f"{counted(len(batches), 'batch', 'batches')}",
            remedy="launch fewer processes, or give more texts with --data",
        )
    held_rows = _hold_out(batches, seed)
    shared = ranks.share(batches)
    weights = [None] * len(shared) if sensitivity is None else ranks.share(sensitivity)
    opened = []
    numbers = ranks.share(range(len(batches)))
    norms_centre = family_of_model(model).layout.norms_centre
    for number, batch_here, batch_sensitivity in zip(numbers, shared, weights, strict=True):
        batch = batch_here.to(model.device)
        hidden, given = layer_inputs(model, batch.inputs)
        tokens = batch.inputs["attention_mask"].bool()
        is_held = torch.tensor([row in held_rows for row in batch.rows]).to(model.device)
        held = tokens & is_held.unsqueeze(1)
        started = starts(batch.inputs, number) if starts else (States(hidden, hidden),)
        for start in started:
            states = _boundary_states(start, room)
            opened.append(
                CalibrationBatch(
                    batch,
                    given,
                    tokens & ~held,
                    held,
                    states,
                    None if batch_sensitivity is None else batch_sensitivity.to(model.device),
                    norms_centre,
                )
            )
    return Calibration(opened, ranks, len(opened) // len(shared))


def _boundary_states(start: States, room: HiddenStateRoom) -> StateBuffers:
    states = StateBuffers(*(room.take_like(start.base) for _ in range(4)))
    states.base.copy_(start.base)
    states.slim.copy_(start.slim)
    return states


def _hold_out(batches: Sequence[Batch], seed: int) -> set[int]:
    rows = sorted({row for batch in batches for row in batch.rows})
    if len(rows) < 2:
        raise DataError(
            "reconstruct needs at least two texts: one to solve from, one to check on",
            remedy="give more texts with --data",
        )
    count = max(1, round(HELD_SHARE * len(rows)))
    drawn = np.random.default_rng(seed).permutation(len(rows))[:count]
    return {rows[number] for number in drawn}
