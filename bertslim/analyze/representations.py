"""The hidden states after each block of a model while texts go through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor, nn

from bertslim.model.checkpoint import Checkpoint
from bertslim.model.finite_outputs import is_finite, not_finite
from bertslim.model.layer import Layer
from bertslim.records import Block, ModelFacts, Site

BLOCKS: tuple[Block, ...] = ("attention", "ffn")


def sites_of(facts: ModelFacts) -> tuple[Site, ...]:
    """Return where a model is looked at, from the bottom up.

    After each block: the sum of its input and its output, after its LayerNorm if there is one.
    Where a block is gone, it is the output of the LayerNorm alone.
    """
    return tuple(
        Site(layer=number, block=block) for number in range(len(facts.layers)) for block in BLOCKS
    )


@contextmanager
def watched(checkpoint: Checkpoint) -> Iterator[dict[Site, Tensor]]:
    """Gather the hidden states at all sites.

    Yields:
        (sequences, length, hidden_size) by site, of the last call of the model.

    Raises:
        ModelError: A layer puts out numbers that are not finite.
    """
    states: dict[Site, Tensor] = {}
    where = str(checkpoint.directory)
    layers = checkpoint.layers
    with ExitStack() as stack:
        for site in sites_of(checkpoint.facts):
            module = _last_module(layers[site.layer], site.block)
            stack.callback(module.register_forward_hook(_keeper(states, site, where)).remove)
        yield states


def _last_module(layer: Layer, block: Block) -> nn.Module:
    """Return the module whose output is that of a block joined with the residual."""
    norm = (layer.attention if block == "attention" else layer.ffn).norm_after
    assert norm is not None  # noqa: S101
    return norm


def _keeper(
    states: dict[Site, Tensor], site: Site, where: str
) -> Callable[[nn.Module, tuple[Any, ...], Tensor], None]:
    def keep(_: nn.Module, __: tuple[Any, ...], output: Tensor) -> None:
        if not is_finite(output):
            raise not_finite(site.layer, where=where)
        states[site] = output

    return keep
