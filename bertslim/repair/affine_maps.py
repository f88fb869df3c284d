"""Linear modules as affine maps in float64, and back; a module's tensors are never written to.

Maps are solved on the CPU, wherever the modules are.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from bertslim.repair.ridge import Affine


def affine_of(*linears: nn.Linear) -> Affine:
    """Return linear maps of the same input as one map, their outputs side by side."""
    weights = [_matrix(linear) for linear in linears]
    biases = [
        weight.new_zeros(weight.shape[1])
        if linear.bias is None
        else linear.bias.detach().double().cpu()
        for linear, weight in zip(linears, weights, strict=True)
    ]
    return Affine(torch.cat(weights, dim=1), torch.cat(biases))


def identity(width: int) -> Affine:
    """Return the identity map."""
    return Affine(torch.eye(width, dtype=torch.float64), torch.zeros(width, dtype=torch.float64))


def set_affine(affine: Affine, *linears: nn.Linear) -> None:
    """Give linear maps of the same input the columns of one map, each its own."""
    widths = [linear.out_features for linear in linears]
    for linear, weight, bias in zip(
        linears,
        torch.split(affine.weight, widths, dim=1),
        torch.split(affine.bias, widths),
        strict=True,
    ):
        set_matrix(linear, weight)
        if linear.bias is not None:
            linear.bias = nn.Parameter(bias.to(linear.bias))


def matrix_of(module: nn.Linear | nn.Sequential) -> Tensor:
    """Return the matrix (inputs, outputs) of a linear map or of a sequence of two factors."""
    if isinstance(module, nn.Linear):
        return _matrix(module)
    first, second = factors_of(module)
    return _matrix(first) @ _matrix(second)


def _matrix(linear: nn.Linear) -> Tensor:
    return linear.weight.detach().double().cpu().T


def set_matrix(linear: nn.Linear, weight: Tensor) -> None:
    """Give a linear map the matrix (inputs, outputs); its bias stays."""
    linear.weight = nn.Parameter(weight.T.contiguous().to(linear.weight))


def factors_of(module: nn.Sequential) -> tuple[nn.Linear, nn.Linear]:
    """Return the two maps that a low-rank map consists of."""
    first, second = module
    return cast(nn.Linear, first), cast(nn.Linear, second)
