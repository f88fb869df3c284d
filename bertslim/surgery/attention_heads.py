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

from bertslim.model.layer import Layer

_TOKENS = 2  # of the traced example; any number does


def prune_heads(layer: Layer, kept: Callable[[int], int]) -> None:
    """Delete the weakest heads of the attention block of a layer, which becomes a new one.

    A head scores by the sum of squares of its weights in the maps of query, key, value and output;
    of equal heads the first ones stay, and all keep their order.

    Args:
        layer: A layer whose attention adds nothing that has a value for each head.
        kept: From the number of heads there are to the number that stay.
    """
    attention = layer.attention
    heads, size = attention.heads, attention.head_size
    keep = kept(heads)
    if keep == heads:
        return
    name = attention.layout.modules[0].partition(".")[0]
    dtype = attention.output.weight.dtype
    block = copy.deepcopy(layer.module.get_submodule(name)).double()
    layer.module.set_submodule(name, block)
    query = attention.inputs[0]
    traced = _trace(block, query.in_features)
    order = _scores(traced, query, size).argsort(descending=True, stable=True)
    weak = order[keep:].sort().values.tolist()
    _channels(traced, query, weak, size).prune()
    block.to(dtype)
    attention.set_heads(keep)


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
