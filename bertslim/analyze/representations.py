"""The hidden states after each block of a model while texts go through it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from torch import Tensor

from bertslim.model.checkpoint import Checkpoint
from bertslim.model.finite_outputs import is_finite, not_finite
from bertslim.model.layer import Layer, watch_output
from bertslim.records import BLOCKS, ModelFacts, Site


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

    norm = layer.attention.norm_after if site.block == "attention" else layer.ffn.norm_after
    handle = layer.watch_sum(site.block, keep) if norm is None else watch_output(norm, keep)
    stack.callback(handle.remove)
