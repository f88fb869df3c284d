"""Streamed moments against the formulas written out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from bertslim.ranks import Ranks
from bertslim.surgery.statistics import Moments, MomentSums

Array = NDArray[np.float64]


def plain(x: Array, y: Array, w: Array) -> dict[str, Array]:
    """Return the moments, token by token, as the formulas say them."""
    mean_x, mean_y = np.average(x, axis=0, weights=w), np.average(y, axis=0, weights=w)
    tokens = range(len(w))
    return {
        "weight": np.asarray(w.sum()),
        "mean_x": mean_x,
        "mean_y": mean_y,
        "xx": np.sum([w[t] * np.outer(x[t] - mean_x, x[t] - mean_x) for t in tokens], axis=0),
        "xy": np.sum([w[t] * np.outer(x[t] - mean_x, y[t] - mean_y) for t in tokens], axis=0),
        "yy": np.asarray(sum(w[t] * np.sum((y[t] - mean_y) ** 2) for t in tokens)),
    }


def tokens(
    count: int = 60, *, seed: int = 0, mean: float = 0.0, dtype: type = np.float64
) -> tuple[Array, Array, Array]:
    """Return x (count, 4), y (count, 3) and weights (count,)."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(count, 4)) @ draw.normal(size=(4, 4)) + mean
    y = x[:, :3] * 2 - mean + draw.normal(size=(count, 3)) + 1
    x, y, w = x.astype(dtype), y.astype(dtype), draw.uniform(0.1, 5, count).astype(dtype)
    return x, y, w


def summed(x: Array, y: Array, w: Array, *, batch: int = 60) -> Moments:
    sums = MomentSums(x.shape[1], y.shape[1])
    for start in range(0, len(x), batch):
        part = slice(start, start + batch)
        sums.add(*(torch.from_numpy(values[part]) for values in (x, y, w)))
    return sums.moments()


def assert_alike(found: Moments, expected: dict[str, Array], rtol: float = 1e-6) -> None:
    for name, values in expected.items():
        got = getattr(found, name)
        assert got.dtype == torch.float64
        scale = float(np.abs(values).max())
        np.testing.assert_allclose(got.numpy(), values, rtol=rtol, atol=rtol * scale, err_msg=name)


@pytest.mark.parametrize("batch", [60, 17, 1])
def test_moments_are_those_of_the_formulas(batch: int) -> None:
    data = tokens()
    assert_alike(summed(*data, batch=batch), plain(*data), rtol=1e-10)


def test_products_of_float32_batches_are_summed_in_float64() -> None:
    data = tokens(4000, dtype=np.float32)
    assert_alike(summed(*data, batch=50), plain(*(one.astype(np.float64) for one in data)))


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-6), (np.float32, 1e-5)])
def test_a_large_mean_costs_no_precision(dtype: type, rtol: float) -> None:
    data = tokens(200, mean=1e4, dtype=dtype)
    expected = plain(*(one.astype(np.float64) for one in data))
    assert expected["xx"].max() < 1e-4 * 200 * 1e4**2
    assert_alike(summed(*data, batch=40), expected, rtol=rtol)


def test_merged_moments_are_those_of_both_samples() -> None:
    first, second = tokens(50), tokens(9, seed=1, mean=3.0)
    both = [np.concatenate(pair) for pair in zip(first, second, strict=True)]
    assert_alike(summed(*first).merged(summed(*second)), plain(*both), rtol=1e-10)
    assert_alike(summed(*second).merged(summed(*first)), plain(*both), rtol=1e-10)


def test_merging_with_no_tokens_changes_nothing() -> None:
    data, nothing = tokens(), MomentSums(4, 3).moments()
    assert nothing.finite
    assert_alike(summed(*data).merged(nothing), plain(*data), rtol=1e-10)
    assert_alike(nothing.merged(summed(*data)), plain(*data), rtol=1e-10)
    assert nothing.merged(nothing).finite


def test_projected_moments_are_those_of_projected_inputs() -> None:
    x, y, w = tokens()
    matrix = np.random.default_rng(5).normal(size=(4, 2))
    found = summed(x, y, w).projected(torch.from_numpy(matrix))
    assert_alike(found, plain(x @ matrix, y, w), rtol=1e-10)


def test_residual_moments_are_those_of_what_a_map_leaves_unsaid() -> None:
    x, y, w = tokens(mean=3.0)
    draw = np.random.default_rng(6)
    weight, bias = draw.normal(size=(4, 3)), draw.normal(size=3)
    found = summed(x, y, w).residual(torch.from_numpy(weight), torch.from_numpy(bias))
    assert_alike(found, plain(x, y - x @ weight - bias, w), rtol=1e-9)


@pytest.mark.parametrize("width", [127, 128, 129, 300])
def test_products_in_strips_are_whole_and_symmetric(width: int) -> None:
    x = np.random.default_rng(7).normal(size=(50, width)) + 1
    w = np.random.default_rng(8).uniform(0.1, 5, 50)
    found = summed(x, x[:, :2], w, batch=20)
    assert_alike(found, plain(x, x[:, :2], w), rtol=1e-10)
    torch.testing.assert_close(found.xx, found.xx.T, rtol=0, atol=1e-10)


def test_batches_without_tokens_and_tokens_without_weight_count_for_nothing() -> None:
    x, y, w = tokens()
    sums = MomentSums(4, 3)
    sums.add(*(torch.from_numpy(one[:0]) for one in (x, y, w)))
    for part in (slice(0, 30), slice(30, 60)):
        weights = np.where(np.arange(60) < 45, w, 0)[part]
        sums.add(*(torch.from_numpy(one) for one in (x[part], y[part], weights)))
    assert_alike(sums.moments(), plain(x[:45], y[:45], w[:45]), rtol=1e-10)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_noticed(value: float) -> None:
    x, y, w = tokens()
    assert summed(x, y, w).finite
    y[7, 2] = value
    assert not summed(x, y, w).finite
    assert not summed(y, x, w).finite


class _Meeting:
    """The sums of two processes, played by two threads."""

    def __init__(self, count: int) -> None:
        self.parts: dict[int, Tensor] = {}
        self.barrier = Barrier(count, timeout=10)

    def total(self, rank: int, value: Tensor) -> Tensor:
        self.parts[rank] = value
        self.barrier.wait()
        summed = torch.stack([self.parts[one] for one in sorted(self.parts)]).sum(dim=0)
        self.barrier.wait()
        return summed


class _Process(Ranks):
    """One of several processes that meet in this one."""

    def __init__(self, rank: int, count: int, meeting: _Meeting) -> None:
        super().__init__(rank, count)
        object.__setattr__(self, "meeting", meeting)

    def total(self, value: Tensor) -> Tensor:
        """Return the sum over the threads."""
        return self.meeting.total(self.rank, value)  # type: ignore[attr-defined]


@pytest.mark.parametrize("sizes", [(40, 20, 0), (60,), (1, 58, 1)])
def test_processes_that_share_tokens_end_with_the_moments_of_all(sizes: tuple[int, ...]) -> None:
    x, y, w = tokens(mean=100.0)
    meeting, start, parts = _Meeting(len(sizes)), 0, []
    for rank, size in enumerate(sizes):
        sums = MomentSums(4, 3)
        sums.add(*(torch.from_numpy(one[start : start + size]) for one in (x, y, w)))
        parts.append((sums, _Process(rank, len(sizes), meeting)))
        start += size
    with ThreadPoolExecutor(len(sizes)) as pool:
        found = list(pool.map(lambda part: part[0].moments_over(part[1]), parts))
    for one in found:
        assert_alike(one, plain(x, y, w), rtol=1e-9)
        assert torch.equal(one.xx, found[0].xx)
