"""Deletes attention heads.

Torch-Pruning (Fang et al. 2023, arXiv 2301.12900) traces which channels of which maps belong
together, sizes them up and takes them out.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch_pruning
from torch import Tensor, nn

from bertslim.model.families import Family

_TOKENS = 2  # of the traced example; any number does


def prune_heads(layer: nn.Module, family: Family, kept: Callable[[int], int]) -> None:
    """Delete the weakest heads of the attention block of a layer, which becomes a new one.

    A head scores by the sum of squares of its weights in the maps of query, key, value and output;
    of equal heads the first ones stay, and all keep their order.

    Args:
        layer: A layer whose attention adds nothing that has a value for each head.
        family: Its family.
        kept: From the number of heads there are to the number that stay.
    """
    attention, query = _attention(layer, family)
    size, dtype = attention.attention_head_size, query.weight.dtype
    heads = query.out_features // size
    keep = kept(heads)
    if keep == heads:
        return
    name = family.layout.attention[0].partition(".")[0]
    block = copy.deepcopy(layer.get_submodule(name)).double()
    layer.set_submodule(name, block)
    attention, query = _attention(layer, family)
    traced = _trace(block, query.in_features)
    order = _scores(traced, query, size).argsort(descending=True, stable=True)
    weak = order[keep:].sort().values.tolist()
    _channels(traced, query, weak, size).prune()
    block.to(dtype)
    setattr(attention, family.keys.heads, keep)


def _attention(layer: nn.Module, family: Family) -> tuple[Any, Any]:
    """Return what computes the attention, and its map to the queries."""
    layout = family.layout
    return layer.get_submodule(layout.attention[0]), layer.get_submodule(layout.attention_in[0])


def _trace(block: nn.Module, hidden_size: int) -> Any:
    example = torch.zeros(1, _TOKENS, hidden_size, dtype=torch.float64)
    with torch.enable_grad():
        return torch_pruning.DependencyGraph().build_dependency(
            block, example, forward_fn=lambda module, states: module(states)[0]
        )


def _scores(traced: Any, query: nn.Linear, size: int) -> Tensor:
    """Return a score a head, shape (heads,)."""
    everything = _channels(traced, query, range(query.out_features // size), size)
    magnitude = torch_pruning.importance.GroupMagnitudeImportance(p=2, normalizer=None)
    scores: Tensor = magnitude(everything)
    return scores.view(-1, size).sum(dim=1)


def _channels(traced: Any, query: nn.Linear, heads: Iterable[int], size: int) -> Any:
    """Return all channels of the heads, in every map that they go through."""
    channels = [head * size + offset for head in heads for offset in range(size)]
    return traced.get_pruning_group(query, torch_pruning.prune_linear_out_channels, channels)
