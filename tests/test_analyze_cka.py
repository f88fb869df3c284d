"""CKA from small batches, against the definition on all examples at once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from bertslim.analyze.cka import MinibatchCka, hsic, mixed

WIDTHS = (5, 7, 3)


def correlated(examples: int, seed: int = 0) -> list[Tensor]:
    """Representations that share some directions, one of them strong, and are far from centred."""
    draw = torch.Generator().manual_seed(seed)
    shared = torch.randn(examples, 4, generator=draw)
    found = []
    for width in WIDTHS:
        turn = torch.randn(4, width, generator=draw)
        noise = torch.randn(examples, width, generator=draw)
        found.append(shared @ turn + 0.7 * noise + 10)
    return found


def slow_hsic(one: np.ndarray, other: np.ndarray) -> float:
    """Song et al. 2012, theorem 2, as the sums over distinct examples that it stands for."""
    kernels = [np.asarray(each, dtype=np.float64) @ np.asarray(each).T for each in (one, other)]
    n = len(one)
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
    k, other_k = kernels
    paired = sum(k[i, j] * other_k[i, j] for i, j in pairs) / (n * (n - 1))
    apart = sum(
        k[i, j] * other_k[q, r]
        for i, j in pairs
        for q in range(n)
        for r in range(n)
        if len({i, j, q, r}) == 4
    ) / (n * (n - 1) * (n - 2) * (n - 3))
    chained = sum(
        k[i, j] * other_k[i, q] for i, j in pairs for q in range(n) if q not in (i, j)
    ) / (n * (n - 1) * (n - 2))
    return float(paired + apart - 2 * chained)


def full_cka(features: list[Tensor]) -> Tensor:
    found = hsic(features)
    own = found.diagonal().sqrt()
    return found / (own.unsqueeze(0) * own.unsqueeze(1))


def test_hsic_is_that_of_the_definition() -> None:
    features = correlated(8)
    found = hsic(features)
    for row, one in enumerate(features):
        for column, other in enumerate(features):
            expected = slow_hsic(one.double().numpy(), other.double().numpy())
            assert float(found[row, column]) == pytest.approx(expected, rel=1e-9)


def test_one_batch_of_everything_is_the_full_value() -> None:
    features = correlated(200)
    running = MinibatchCka(len(features))
    running.add(features)
    assert torch.allclose(running.matrix(), full_cka(features), atol=1e-12)
    assert torch.allclose(running.matrix().diagonal(), torch.ones(3, dtype=torch.float64))


def test_hsic_of_what_is_unrelated_is_zero_on_average_where_the_biased_one_is_not() -> None:
    unbiased, biased = [], []
    for seed in range(400):
        draw = torch.Generator().manual_seed(seed)
        one, other = (torch.randn(16, 32, generator=draw, dtype=torch.float64) for _ in range(2))
        unbiased.append(float(hsic([one, other])[0, 1]))
        crossed = (one - one.mean(0)).T @ (other - other.mean(0))
        biased.append(float(crossed.square().sum()) / 15**2)
    error = np.std(unbiased) / np.sqrt(len(unbiased))
    assert abs(np.mean(unbiased)) < 4 * error
    assert np.mean(biased) > 100 * error


def test_small_batches_come_to_the_full_value() -> None:
    features = correlated(10_000)
    running = MinibatchCka(len(features))
    for batch in mixed([features], 64, buffer=10_000, rounds=16, seed=0):
        running.add(batch)
    assert running.batches == 16 * (10_000 // 64)
    assert torch.allclose(running.matrix(), full_cka(features), atol=1e-3)


def test_turns_factors_and_shifts_do_not_change_it() -> None:
    one, other, _ = correlated(300)
    turn = torch.linalg.qr(torch.randn(7, 7, generator=torch.Generator().manual_seed(1)))[0]
    plain, moved = full_cka([one, other]), full_cka([one, 3 * other @ turn - 5])
    assert float(moved[0, 1]) == pytest.approx(float(plain[0, 1]), rel=1e-5)


def test_what_never_varies_is_like_nothing() -> None:
    running = MinibatchCka(2)
    running.add([torch.ones(10, 4), torch.randn(10, 4, generator=torch.Generator().manual_seed(0))])
    found = running.matrix()
    assert found[0].isnan().all()
    assert found[1, 1] == 1


def test_without_batches_there_is_no_value() -> None:
    with pytest.raises(ValueError, match="no batch was added"):
        MinibatchCka(2).matrix()


def numbered(sizes: list[int]) -> list[list[Tensor]]:
    """Chunks whose examples are numbers, the same at two sites."""
    numbers = torch.arange(sum(sizes)).split(sizes)
    return [[one.unsqueeze(1), -one.unsqueeze(1)] for one in numbers]


def test_examples_are_mixed_and_stay_together_over_the_sites() -> None:
    batches = list(mixed(numbered([30] * 20), 8, buffer=100, rounds=1, seed=0))
    assert all(torch.equal(one, -other) and len(one) == 8 for one, other in batches)
    seen = torch.cat([one for one, _ in batches]).squeeze(1)
    assert len(set(seen.tolist())) == len(seen) > 600 - 8 * 8
    spread = [int(one.max() - one.min()) for one, _ in batches]
    assert min(spread) > 30


def test_each_round_deals_the_same_examples_anew() -> None:
    one, two = mixed(numbered([16]), 16, buffer=16, rounds=2, seed=0)
    assert sorted(one[0].squeeze(1).tolist()) == sorted(two[0].squeeze(1).tolist())
    assert not torch.equal(one[0], two[0])


def test_the_seed_settles_the_draw() -> None:
    first, again, other = (
        [batch[0] for batch in mixed(numbered([50] * 4), 8, buffer=64, rounds=2, seed=seed)]
        for seed in (0, 0, 1)
    )
    assert all(map(torch.equal, first, again))
    assert not all(map(torch.equal, first, other))


@pytest.mark.parametrize(("sizes", "batches"), [([3], 0), ([5], 1), ([64, 5], 4), ([40, 5], 2)])
def test_few_examples(sizes: list[int], batches: int) -> None:
    found = list(mixed(numbered(sizes), 32, buffer=64, rounds=2, seed=0))
    assert len(found) == batches
