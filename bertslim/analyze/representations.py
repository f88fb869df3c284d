"""The hidden states after each block of a model while texts go through it."""

from __future__ import annotations

from collections.abc import Iterator
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
            _watch(stack, layers[site.layer], site, states, where)
        yield states


def _watch(
    stack: ExitStack, layer: Layer, site: Site, states: dict[Site, Tensor], where: str
) -> None:
    """Keep the states after a block: what its norm puts out, or the sum that the next one takes."""

    def keep(values: Tensor) -> None:
        if not is_finite(values):
            raise not_finite(site.layer, where=where)
        states[site] = values

    def keep_input(_: nn.Module, inputs: tuple[Any, ...]) -> None:
        keep(inputs[0])

    def keep_output(_: nn.Module, __: tuple[Any, ...], output: Any) -> None:
        keep(output[0] if isinstance(output, tuple) else output)

    block = layer.attention if site.block == "attention" else layer.ffn
    norm = block.norm_after
    if norm is None and site.block == "attention":
        above = layer.norm_of_sum("attention")
        assert above is not None  # noqa: S101 (a family has the one norm or the other)
        stack.callback(above.register_forward_pre_hook(keep_input).remove)
    else:
        module = layer.module if norm is None else norm
        stack.callback(module.register_forward_hook(keep_output).remove)
