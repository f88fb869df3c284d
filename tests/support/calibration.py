"""Calibration batches whose states are made up."""

from __future__ import annotations

import torch
from torch import Tensor

from bertslim.data.task import Batch
from bertslim.model.layer import LayerArguments
from bertslim.repair.calibration import CalibrationBatch, StateBuffers


def calibration_batch(
    tokens: Tensor, held: Tensor, *states: Tensor, batch: Batch | None = None
) -> CalibrationBatch:
    """Return a batch with these states; those that are left out are empty.

    Args:
        tokens: Which tokens are real, (sequences, length).
        held: Which of them are held out.
        states: Of base and slim model, then the base's two sums.
        batch: The texts; None: nothing reads them.
    """
    rooms = [*states, *(torch.empty(0) for _ in range(4 - len(states)))]
    texts = batch or Batch({}, tuple(range(len(tokens))))
    return CalibrationBatch(
        texts, (LayerArguments((), {}),), tokens & ~held, held, StateBuffers(*rooms)
    )


def random_texts(*sizes: int, length: int = 12, seed: int = 11) -> list[Batch]:
    """Return random texts, the last one of each batch padded."""
    draw, batches, row = torch.Generator().manual_seed(seed), [], 0
    for size in sizes:
        ids = torch.randint(5, 99, (size, length), generator=draw)
        mask = torch.ones_like(ids)
        mask[-1, length // 2 :] = 0
        rows = tuple(range(row, row + size))
        batches.append(Batch(inputs={"input_ids": ids, "attention_mask": mask}, rows=rows))
        row += size
    return batches
