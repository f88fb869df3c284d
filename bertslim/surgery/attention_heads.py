"""Deletes attention heads.

Torch-Pruning (Fang et al. 2023, arXiv 2301.12900) traces which channels of which maps belong
together, sizes them up and takes them out.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import torch
import torch_pruning
from torch import Tensor, nn

from bertslim.model.layer import AttentionBlock

_TOKENS = 2  # of the traced example; any number does


def magnitude(attention: AttentionBlock) -> Tensor:
    """Score each head by the sum of squares of its weights in its query, key, value and output map.

    Returns:
        Scores in float64, shape (heads,).
    """
    maps, size = _HeadMaps(attention).double(), attention.head_size
    everything = _channels(_trace(maps), maps, range(attention.heads), size)
    importance = torch_pruning.importance.GroupMagnitudeImportance(p=2, normalizer=None)
    scores: Tensor = importance(everything)
    return scores.view(-1, size).sum(dim=1)


def prune_heads(attention: AttentionBlock, keep: Tensor) -> None:
    """Delete all heads of an attention block but some.

    Args:
        attention: The block.
        keep: Numbers of the heads that stay, ascending, at least one.
    """
    dtype = attention.output.weight.dtype
    maps = _HeadMaps(attention).double()
    gone = sorted(set(range(attention.heads)).difference(keep.tolist()))
    _channels(_trace(maps), maps, gone, attention.head_size).prune()
    maps.to(dtype)
    attention.set_maps([maps.query, maps.key, maps.value], maps.output)
    attention.keep_heads(keep.tolist())


class _HeadMaps(nn.Module):
    """The maps of an attention block, copied, and what joins them in every family.

    What a family does beside, such as turning queries and keys by their positions, joins the same
    channels.
    """

    def __init__(self, attention: AttentionBlock) -> None:
        super().__init__()
        self.query, self.key, self.value = map(copy.deepcopy, attention.parted_inputs())
        self.output = copy.deepcopy(attention.output)

    def forward(self, states: Tensor) -> Tensor:
        """Take and return (1, tokens, hidden_size)."""
        scores = self.query(states) @ self.key(states).transpose(-1, -2)
        mixed: Tensor = self.output(scores.softmax(dim=-1) @ self.value(states))
        return mixed


def _trace(maps: _HeadMaps) -> Any:
    example = maps.query.weight.new_zeros(1, _TOKENS, maps.query.in_features)
    with torch.enable_grad():
        return torch_pruning.DependencyGraph().build_dependency(maps, example)


def _channels(traced: Any, maps: _HeadMaps, heads: Iterable[int], size: int) -> Any:
    """Return all channels of the heads, in every map that they go through."""
    channels = [head * size + offset for head in heads for offset in range(size)]
    return traced.get_pruning_group(maps.query, torch_pruning.prune_linear_out_channels, channels)
