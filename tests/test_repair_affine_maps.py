"""Linear modules as affine maps and back."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from bertslim.repair.affine_maps import (
    affine_of,
    factors_of,
    identity,
    matrix_of,
    set_affine,
    set_matrix,
)
from bertslim.repair.ridge import Affine

X = torch.randn(7, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_an_affine_map_says_what_the_modules_say(dtype: torch.dtype) -> None:
    first, second = nn.Linear(4, 3, dtype=dtype), nn.Linear(4, 2, bias=False, dtype=dtype)
    found = affine_of(first, second)
    assert found.weight.dtype == found.bias.dtype == torch.float64
    assert not found.weight.requires_grad
    expected = torch.cat([first.double()(X), second.double()(X)], dim=1)
    torch.testing.assert_close(X @ found.weight + found.bias, expected)


def test_the_identity_hands_on_what_it_gets() -> None:
    found = identity(4)
    assert torch.equal(X @ found.weight + found.bias, X)


def test_what_is_set_is_what_is_read_and_the_old_tensors_stay() -> None:
    linears = nn.Linear(4, 3), nn.Linear(4, 2, bias=False)
    old = [parameter for linear in linears for parameter in linear.parameters()]
    values = [parameter.clone() for parameter in old]
    wanted = Affine(torch.randn(4, 5).double(), torch.randn(5).double())
    set_affine(wanted, *linears)
    found = affine_of(*linears)
    torch.testing.assert_close(found.weight, wanted.weight)
    torch.testing.assert_close(found.bias[:3], wanted.bias[:3])
    assert linears[0].weight.is_contiguous()
    assert linears[0].weight.dtype == torch.float32
    assert linears[1].bias is None
    for parameter, value in zip(old, values, strict=True):
        assert torch.equal(parameter, value)


def test_a_matrix_is_that_of_one_map_or_of_two_factors() -> None:
    linear = nn.Linear(4, 3)
    bias = linear.bias.clone()
    set_matrix(linear, torch.ones(4, 3, dtype=torch.float64))
    assert torch.equal(linear.bias, bias)
    torch.testing.assert_close(X @ matrix_of(linear), X.sum(1, keepdim=True).expand(-1, 3))
    factors = nn.Sequential(nn.Linear(4, 2, bias=False), nn.Linear(2, 3, bias=False))
    assert factors_of(factors) == (factors[0], factors[1])
    torch.testing.assert_close(X @ matrix_of(factors), factors.double()(X))
