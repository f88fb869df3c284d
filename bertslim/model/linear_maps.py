"""Linear maps made of others: packed, parted, or with some of their inputs and outputs alone."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def linear_map(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    """Return a linear map of a weight, (outputs, inputs), and a bias, (outputs,), if any."""
    made = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, device="meta")
    made.weight = nn.Parameter(weight.detach())
    if bias is not None:
        made.bias = nn.Parameter(bias.detach())
    return made


def packed(*linears: nn.Linear) -> nn.Linear:
    """Return one map that puts out what several put out, one after the other."""
    weight = torch.cat(tuple(linear.weight for linear in linears))
    biases = [linear.bias for linear in linears if linear.bias is not None]
    assert len(biases) in (0, len(linears))  # noqa: S101
    return linear_map(weight, torch.cat(tuple(biases)) if biases else None)


def parted(linear: nn.Linear, count: int) -> list[nn.Linear]:
    """Return the maps that a map packs, each with as many outputs as the others."""
    weights = linear.weight.chunk(count)
    biases: Sequence[Tensor | None] = [None] * count
    if linear.bias is not None:
        biases = linear.bias.chunk(count)
    return [linear_map(*parts) for parts in zip(weights, biases, strict=True)]


def narrowed(
    linear: nn.Linear, *, inputs: Tensor | None = None, outputs: Tensor | None = None
) -> nn.Linear:
    """Return a smaller linear map of the same class that keeps only some inputs or outputs.

    Args:
        linear: The map to take from; it is left as it is.
        inputs: Indices of the inputs to keep, or None for all.
        outputs: Indices of the outputs to keep, or None for all.
    """
    weight: Tensor = linear.weight
    bias: Tensor | None = linear.bias
    if outputs is not None:
        weight, bias = weight[outputs], None if bias is None else bias[outputs]
    if inputs is not None:
        weight = weight[:, inputs]
    sizes = weight.shape[1], weight.shape[0]
    narrow = type(linear)(*sizes, bias=bias is not None, device="meta")
    narrow.weight = nn.Parameter(weight)
    if bias is not None:
        narrow.bias = nn.Parameter(bias)
    for name, child in linear.named_children():
        narrow.add_module(name, child)
    return narrow
