"""The calibration texts on their way up through both models, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from bertslim.data.task import Batch
from bertslim.errors import DataError
from bertslim.model.families import Family
from bertslim.model.layer import LayerArguments, first_layer_input
from bertslim.ranks import Ranks
from bertslim.repair.hidden_states import HiddenStateRoom
from bertslim.wording import counted

HELD_SHARE = 0.2


@dataclass(frozen=True)
class CalibrationBatch:
    """Texts that go through both models together; the states are overwritten layer by layer.

    Attributes:
        given: What each layer gets beside the hidden states.
        fit: (sequences, length): tokens that maps are solved from.
        held: The same of the tokens that only settle how strongly a map is held back.
        base: (sequences, length, hidden_size): the base's hidden states at the current boundary.
        slim: The same of the slim model.
        attended: The base's sum before the LayerNorm behind attention, in the current layer.
        summed: The base's sum before the LayerNorm behind the FFN block.
    """

    given: LayerArguments
    fit: Tensor
    held: Tensor
    base: Tensor
    slim: Tensor
    attended: Tensor
    summed: Tensor


def open_calibration(
    model: PreTrainedModel,
    family: Family,
    batches: Sequence[Batch],
    room: HiddenStateRoom,
    *,
    seed: int,
    ranks: Ranks,
) -> list[CalibrationBatch]:
    """Bring the texts to the first layer.

    A fifth of the texts, drawn by seed, is held out; all parts of a text are on one side.

    Args:
        model: The base; the slim model's embeddings are the same.
        family: Its family.
        batches: The texts.
        room: Where the hidden states are kept.
        seed: Settles which texts are held out.
        ranks: The processes that share the texts.

    Returns:
        The batches that fall to this process.

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
    opened = []
    for batch in ranks.share(batches):
        hidden, given = first_layer_input(model, family, batch.inputs)
        tokens = batch.inputs["attention_mask"].bool()
        held = tokens & torch.tensor([row in held_rows for row in batch.rows]).unsqueeze(1)
        states = [room.take(tuple(hidden.shape), hidden.dtype) for _ in range(4)]
        for state in states[:2]:
            state.copy_(hidden)
        opened.append(CalibrationBatch(given, tokens & ~held, held, *states))
    return opened


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
