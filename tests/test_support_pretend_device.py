"""The stand-in for a second device refuses what a real one does, and computes the same."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from support.pretend_device import AWAY, is_away, pretend_device


@pytest.fixture(autouse=True)
def _there():
    with pretend_device():
        yield


def test_tensors_say_where_they_are() -> None:
    here, there = torch.ones(3), torch.ones(3, device="cuda")
    assert (here.device.type, there.device) == ("cpu", AWAY)
    assert is_away(there * 2 + 1)
    assert is_away(torch.zeros_like(there))
    assert is_away(there.new_zeros(2))
    assert not is_away(there.cpu())
    assert is_away(here.to(there))
    assert not is_away(there.to(here))
    assert there.to(torch.float64).dtype == torch.float64
    assert is_away(there.to(torch.float64))
    assert is_away(here.to("cuda", torch.float64))
    assert there.tolist() == [1, 1, 1]
    assert is_away(there.max(dim=0).values)
    assert all(map(is_away, torch.split(there, 1)))


def test_two_devices_do_not_mix() -> None:
    here, there = torch.ones(3), torch.ones(3, device="cuda")
    for mix in (
        lambda: here + there,
        lambda: torch.stack([here, there]),
        lambda: here[there.bool()],
        lambda: there.masked_fill(here.bool(), 0),
        lambda: there.add_(here),
    ):
        with pytest.raises(RuntimeError, match="Expected all tensors"):
            mix()
    with pytest.raises(TypeError, match="numpy"):
        there.numpy()


def test_numbers_indices_and_copies_cross() -> None:
    here, there = torch.arange(3), torch.arange(3, device="cuda")
    assert (there + torch.tensor(1)).tolist() == [1, 2, 3]
    assert there[here > 0].tolist() == [1, 2]
    here.copy_(there)
    assert not is_away(here)


def test_modules_move_and_train() -> None:
    linear = nn.Linear(2, 1).to("cuda")
    assert linear.weight.device == AWAY
    assert isinstance(linear.weight, nn.Parameter)
    with pytest.raises(RuntimeError, match="Expected all tensors"):
        linear(torch.ones(1, 2))
    out = linear(torch.ones(1, 2, device="cuda"))
    seen = []
    out.register_hook(lambda gradient: seen.append(is_away(gradient)))
    out.sum().backward()
    assert seen == [True]
    assert is_away(linear.weight.grad)
    torch.optim.Adam(linear.parameters()).step()
    assert copy.deepcopy(linear).weight.device == AWAY
    assert nn.Linear(2, 2).to(linear.weight).weight.device == AWAY
    linear.to("cpu")
    assert linear(torch.ones(1, 2)).device.type == "cpu"
