"""What the layers of a model put out, caught while it runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import Tensor, nn


@contextmanager
def caught(layers: Sequence[nn.Module]) -> Iterator[list[Tensor]]:
    """Yield a list that is filled with the hidden states behind these layers when they run.

    Args:
        layers: In the order in which they run.

    Yields:
        (sequences, length, hidden_size) of each.
    """
    states: list[Tensor] = []

    def keep(_: nn.Module, __: object, said: Tensor | tuple[Tensor, ...]) -> None:
        states.append(said[0] if isinstance(said, tuple) else said)

    handles = [layer.register_forward_hook(keep) for layer in layers]
    try:
        yield states
    finally:
        for handle in handles:
            handle.remove()
