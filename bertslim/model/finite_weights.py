"""Refuses weights that nothing can be computed from."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor

from bertslim.errors import ModelError

LARGEST = 1e15  # the square of a few thousand such numbers is still a float32


def require_finite_weights(tensors: Iterable[tuple[str, Tensor]], where: Path) -> None:
    """Check that weights are numbers, of a size that can be computed with.

    Args:
        tensors: The weights by name.
        where: The checkpoint that they belong to.

    Raises:
        ModelError: One is not a number, or too large.
    """
    for name, tensor in tensors:
        if not tensor.is_floating_point() or tensor.numel() == 0:
            continue
        low, high = (float(value) for value in torch.aminmax(tensor.detach()))
        if not (low >= -LARGEST and high <= LARGEST):  # also where they are no numbers
            finite = float("-inf") < low and high < float("inf")
            fault = f"numbers as large as {max(-low, high):.2g}" if finite else "no finite numbers"
            raise ModelError(
                f"{name} holds {fault}",
                where=str(where),
                remedy="the weights are damaged: download or train them again",
            )
