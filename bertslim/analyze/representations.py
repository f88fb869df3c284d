"""The hidden states behind each block of a model while texts go through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedModel

from bertslim.model.families import FAMILIES, Family
from bertslim.model.slim_modeling import layers_of
from bertslim.records import Block, ModelFacts, Site

BLOCKS: tuple[Block, ...] = ("attention", "ffn")


def sites_of(facts: ModelFacts) -> tuple[Site, ...]:
    """Return where a model is looked at, from the bottom up.

    Behind each block: the sum of what went in and what the block said, after its LayerNorm if there
    is one. Where a block is gone it is what the LayerNorm alone makes of it.
    """
    return tuple(
        Site(layer=number, block=block) for number in range(len(facts.layers)) for block in BLOCKS
    )


@contextmanager
def watched(model: PreTrainedModel, facts: ModelFacts) -> Iterator[dict[Site, Tensor]]:
    """Gather the hidden states at all sites.

    Yields:
        (sequences, length, hidden_size) by site, of the last call of the model.
    """
    family = FAMILIES[facts.model_type]
    states: dict[Site, Tensor] = {}
    with ExitStack() as stack:
        for site in sites_of(facts):
            module = _module(layers_of(model, family)[site.layer], site.block, family)
            stack.callback(module.register_forward_hook(_keeper(states, site)).remove)
        yield states


def _module(layer: nn.Module, block: Block, family: Family) -> nn.Module:
    layout = family.layout
    return layer.get_submodule(layout.attention_norm if block == "attention" else layout.ffn_norm)


def _keeper(
    states: dict[Site, Tensor], site: Site
) -> Callable[[nn.Module, tuple[Any, ...], Tensor], None]:
    def keep(_: nn.Module, __: tuple[Any, ...], output: Tensor) -> None:
        states[site] = output

    return keep
