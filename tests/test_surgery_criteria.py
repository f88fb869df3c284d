"""Criteria that go by data against slow loops in float64, however the tokens are batched."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from bertslim.surgery.criteria import GRADIENT_CRITERIA, OUTPUT_CRITERIA
from bertslim.surgery.obs import removal_order
from bertslim.surgery.output_metric import output_metric, symmetric_root

TOKENS, NEURONS, HIDDEN = 50, 12, 5
CUTS = (0, 1, 20, 20, 50)


@pytest.fixture
def outputs() -> Tensor:
    return torch.randn(TOKENS, NEURONS, dtype=torch.float64) + 3


@pytest.fixture
def weights() -> Tensor:
    return torch.rand(TOKENS, dtype=torch.float64) + 0.1


@pytest.fixture
def w2() -> Tensor:
    return torch.randn(HIDDEN, NEURONS, dtype=torch.float64)


def spans() -> list[slice]:
    return [slice(start, stop) for start, stop in pairwise(CUTS)]


def test_activation_is_the_weighted_norm_of_what_is_said(outputs, weights, w2) -> None:
    criterion = OUTPUT_CRITERIA["activation"](NEURONS, 4)
    for part in spans():
        criterion.add(outputs[part], weights[part])
    for neuron, score in enumerate(criterion.scores(w2).tolist()):
        energy = sum(
            weight * row[neuron] ** 2
            for weight, row in zip(weights.tolist(), outputs.tolist(), strict=True)
        )
        norm = math.sqrt(sum(row[neuron] ** 2 for row in w2.tolist()))
        assert score == pytest.approx(math.sqrt(energy) * norm, rel=1e-12)


def test_obs_ranks_by_when_a_neuron_goes(outputs, weights, w2) -> None:
    criterion = OUTPUT_CRITERIA["obs"](NEURONS, 4)
    for part in spans():
        criterion.add(outputs[part], weights[part])
    centred = outputs - (weights @ outputs) / weights.sum()
    gone = removal_order((centred.T * weights) @ centred, w2, 4).tolist()
    scores = criterion.scores(w2)
    assert scores[gone].tolist() == list(range(8))
    left = [neuron for neuron in range(NEURONS) if neuron not in gone]
    assert scores[left].tolist() == [NEURONS] * 4


def test_kfac_obs_removes_what_costs_least_in_the_metric_of_the_outputs(
    outputs, weights, w2
) -> None:
    """The plain loop: the loss of each removal, solved anew and measured by M, written out."""
    gradients = torch.randn(30, HIDDEN, dtype=torch.float64) * torch.arange(HIDDEN)
    metric = output_metric(gradients.T @ gradients)
    criterion = OUTPUT_CRITERIA["kfac_obs"](NEURONS, 4)
    assert criterion.by_metric
    for part in spans():
        criterion.add(outputs[part], weights[part])
    scores = criterion.scores(symmetric_root(metric) @ w2)
    centred = outputs - (weights @ outputs) / weights.sum()
    covariance = (centred.T * weights) @ centred
    ridge = 1e-2 * covariance.diagonal().mean()
    left = list(range(NEURONS))

    def loss(kept: list[int]) -> float:
        system = covariance[kept][:, kept] + ridge * torch.eye(len(kept))
        solved = torch.linalg.solve(system, covariance[kept] @ w2.T)
        error = centred @ w2.T - centred[:, kept] @ solved
        spread = torch.einsum("t,ti,ij,tj->", weights, error, metric, error)
        return float(spread + ridge * torch.einsum("ni,ij,nj->", solved, metric, solved))

    for place in range(NEURONS - 4):
        losses = {n: loss([one for one in left if one != n]) for n in left}
        gone = min(losses, key=losses.__getitem__)
        assert scores[gone] == place
        left.remove(gone)


@pytest.mark.parametrize("name", ["obs", "kfac_obs"])
def test_weights_that_are_not_finite_have_no_order(name: str, outputs, weights, w2) -> None:
    criterion = OUTPUT_CRITERIA[name](NEURONS, 4)
    criterion.add(outputs, weights)
    assert criterion.scores(w2 * torch.nan).isnan().all()


def test_obs_of_what_is_not_finite_is_no_number(outputs, weights, w2) -> None:
    criterion = OUTPUT_CRITERIA["obs"](NEURONS, 4)
    outputs[3, 2] = torch.inf
    criterion.add(outputs, weights)
    assert criterion.scores(w2).isnan().all()


@pytest.mark.parametrize("name", GRADIENT_CRITERIA)
def test_gradient_criteria_add_up_over_sequences(name: str, outputs) -> None:
    changes, sequences = outputs - 3, [0] * 7 + [1] * 13 + [2] * 5 + [3] * 25
    expected = []
    for neuron in range(NEURONS):
        sums: dict[int, float] = {}
        for sequence, row in zip(sequences, changes.tolist(), strict=True):
            value = abs(row[neuron]) if name == "taylor" else row[neuron]
            sums[sequence] = sums.get(sequence, 0.0) + value
        power = 1 if name == "taylor" else 2
        expected.append(sum(value**power for value in sums.values()))
    criterion = GRADIENT_CRITERIA[name](NEURONS)
    for part, count in ((slice(0, 20), 2), (slice(20, 50), 3)):
        owner = torch.tensor(sequences[part])
        criterion.add(changes[part], owner - owner.min(), count)  # the last sequence may be empty
    assert criterion.scores().dtype == torch.float64
    assert criterion.scores().tolist() == pytest.approx(expected, rel=1e-12)
