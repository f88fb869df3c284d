"""Compute a few neurons of an FFN block apart from the others, in float32."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from bertslim.export.fused_modules import FloatProduct
from bertslim.model.layer import FfnBlock
from bertslim.model.linear_maps import linear_map, narrowed
from bertslim.model.slim_modeling import ActivationBesideInput


class NeuronsApart(nn.Module):
    """The first map of an FFN block in two: that of most neurons, and that of a few."""

    maps = ("most",)

    def __init__(self, most: nn.Linear, few: nn.Module) -> None:
        super().__init__()
        self.most = most
        self.few = few

    def forward(self, hidden_states: Tensor) -> tuple[Any, Tensor]:
        """Return what goes into the activation of most neurons, and of the few."""
        return self.most(hidden_states), self.few(hidden_states)


class ActivationApart(nn.Module):
    """The activation of both."""

    def __init__(self, activation: nn.Module) -> None:
        super().__init__()
        self.most = activation
        beside = isinstance(activation, ActivationBesideInput)
        self.few: nn.Module = activation.get_submodule("activation") if beside else activation

    def forward(self, states: tuple[Any, Tensor]) -> tuple[Any, Tensor]:
        """Return the outputs of most neurons, and of the few."""
        most, few = states
        return self.most(most), self.few(few)


class SumOfApart(nn.Module):
    """The second map of an FFN block in two."""

    maps = ("most",)

    def __init__(self, most: nn.Linear, few: nn.Module) -> None:
        super().__init__()
        self.most = most
        self.few = few

    def forward(self, states: tuple[Any, Tensor]) -> Tensor:
        """Return their sum."""
        most, few = states
        total: Tensor = self.most(most) + self.few(few)
        return total


def set_apart(blocks: Sequence[FfnBlock], neurons: Sequence[int]) -> None:
    """Take a few neurons out of an FFN block, which may be that of several layers.

    Args:
        blocks: The block as each of its layers has it.
        neurons: The numbers of the few.
    """
    ffn_in, activation, ffn_out = blocks[0].input, blocks[0].activation, blocks[0].output
    few = torch.tensor(neurons)
    apart = set(neurons)
    most = torch.tensor([number for number in range(ffn_in.out_features) if number not in apart])
    few_out = linear_map(ffn_out.weight[:, few], None)  # the bias is added once
    first = NeuronsApart(
        narrowed(ffn_in, outputs=most), FloatProduct(narrowed(ffn_in, outputs=few))
    )
    second = SumOfApart(narrowed(ffn_out, inputs=most), FloatProduct(few_out))
    for block in blocks:
        block.set_maps([first], second, activation=ActivationApart(activation))
