"""Optimal Brain Surgeon against the plain loop, and what it is for: a small loss."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bertslim.surgery import obs
from bertslim.surgery.obs import head_removal_order, removal_order


def correlated(neurons: int, hidden: int) -> tuple[Tensor, Tensor]:
    outputs = torch.randn(4 * neurons, neurons, dtype=torch.float64).cumsum(dim=1)
    outputs = outputs * torch.rand(neurons, dtype=torch.float64)
    outputs = outputs - outputs.mean(dim=0)
    return outputs.T @ outputs, torch.randn(hidden, neurons, dtype=torch.float64)


def slow_order(covariance: Tensor, weight: Tensor, keep: int) -> list[int]:
    """Solve everything anew after each removal: no update, no block."""
    system = covariance + 1e-2 * covariance.diagonal().mean() * torch.eye(len(covariance))
    targets = covariance @ weight.T
    left, order = list(range(len(covariance))), []
    while len(left) > keep:
        inverse = system[left][:, left].inverse()
        solved = inverse @ targets[left]
        cost = solved.square().sum(dim=1) / inverse.diagonal()
        order.append(left.pop(int(cost.argmin())))
    return order


@pytest.mark.parametrize("pending", [1, 7, 64])
@pytest.mark.parametrize(("neurons", "hidden", "keep"), [(40, 6, 1), (90, 12, 11), (16, 20, 15)])
def test_the_order_is_that_of_the_plain_loop(
    neurons: int, hidden: int, keep: int, pending: int, monkeypatch
) -> None:
    monkeypatch.setattr(obs, "_PENDING", pending)
    covariance, weight = correlated(neurons, hidden)
    found = removal_order(covariance, weight, keep).tolist()
    assert found == slow_order(covariance, weight, keep)


def test_neurons_that_never_vary_go_first() -> None:
    covariance, weight = correlated(30, 8)
    for neuron in (3, 17, 29):
        covariance[neuron] = covariance[:, neuron] = 0
    assert sorted(removal_order(covariance, weight, 10).tolist()[:3]) == [3, 17, 29]


def test_neurons_none_of_which_varies_have_an_order_too() -> None:
    order = removal_order(torch.zeros(9, 9, dtype=torch.float64), torch.ones(4, 9), 2)
    assert len(set(order.tolist())) == 7


def test_the_survivors_lose_less_than_any_drawn_at_random() -> None:
    covariance, weight = correlated(60, 10)

    def loss(left: Tensor) -> float:
        solved = torch.linalg.solve(covariance[left][:, left], covariance[left] @ weight.T)
        change = -weight.T.clone()
        change[left] += solved
        return float((change * (covariance @ change)).sum())

    gone = set(removal_order(covariance, weight, 15).tolist())
    best = loss(torch.tensor([neuron for neuron in range(60) if neuron not in gone]))
    assert all(best < loss(torch.randperm(60)[:15]) for _ in range(20))


# Heads


def refitted_loss(covariance: Tensor, weight: Tensor, channels: list[int]) -> float:
    """Refit an output map from some channels alone, by least squares with the ridge; its loss.

    The ridge counts as rows of observations of its own, in which the map should put out 0.
    """
    root = torch.linalg.cholesky(covariance + 1e-9 * torch.eye(len(covariance))).T
    ridge = (1e-2 * covariance.diagonal().mean()).sqrt() * torch.eye(len(channels)).double()
    rows = torch.cat([root[:, channels], ridge])
    targets = torch.cat([root @ weight.T, torch.zeros(len(channels), len(weight)).double()])
    solved = torch.linalg.lstsq(rows, targets, driver="gelsd").solution
    return float((rows @ solved - targets).square().sum())


@pytest.mark.parametrize(("heads", "size", "hidden"), [(5, 4, 7), (6, 3, 18), (4, 1, 3)])
def test_the_head_goes_without_which_a_refit_loses_least(
    heads: int, size: int, hidden: int
) -> None:
    covariance, weight = correlated(heads * size, hidden)
    order = head_removal_order(covariance, weight, size, 1).tolist()
    left = list(range(heads))
    for gone in order:
        losses = {}
        for head in left:
            others = [other for other in left if other != head]
            channels = [other * size + offset for other in others for offset in range(size)]
            losses[head] = refitted_loss(covariance, weight, channels)
        assert gone == min(losses, key=losses.__getitem__)
        left.remove(gone)


def test_heads_of_one_channel_go_as_neurons_do() -> None:
    covariance, weight = correlated(30, 6)
    found = head_removal_order(covariance, weight, 1, 4)
    assert torch.equal(found, removal_order(covariance, weight, 4))


def test_the_order_of_heads_is_nested_and_may_be_empty() -> None:
    covariance, weight = correlated(24, 5)
    order = head_removal_order(covariance, weight, 4, 1)
    assert torch.equal(head_removal_order(covariance, weight, 4, 3), order[:3])
    assert head_removal_order(covariance, weight, 4, 6).shape == (0,)
