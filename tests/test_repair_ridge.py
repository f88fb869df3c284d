"""Ridge regression from moments, against least squares on the tokens themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from bertslim.repair.ridge import (
    RIDGES,
    Affine,
    low_rank,
    ridge_map,
    solve_ridge,
    squared_error,
)
from bertslim.surgery.statistics import Moments, MomentSums
from support.plain_ridge import weighted_ridge

Array = NDArray[np.float64]
Data = tuple[Array, Array, Array]
INPUTS, OUTPUTS = 5, 3


def draw_tokens(count: int, *, seed: int = 0, noise: float = 0.5) -> Data:
    """Return inputs of unlike scale, targets that depend on them, and weights."""
    draw = np.random.default_rng(seed)
    mixed = draw.normal(size=(count, INPUTS)) @ np.random.default_rng(99).normal(size=(5, 5))
    x = mixed * [0.01, 1, 1, 5, 100] + [3, 0, -1, 0, 50]
    truth = np.random.default_rng(98).normal(size=(INPUTS, OUTPUTS))
    y = x @ truth + noise * draw.normal(size=(count, OUTPUTS)) + 2
    return x, y, draw.uniform(0.2, 3, count)


def moments(data: Data) -> Moments:
    sums = MomentSums(data[0].shape[1], data[1].shape[1])
    sums.add(*(torch.from_numpy(one) for one in data))
    return sums.moments()


def affine(weight: Array, bias: Array) -> Affine:
    return Affine(torch.from_numpy(weight), torch.from_numpy(bias))


def some_prior(seed: int = 4) -> Affine:
    draw = np.random.default_rng(seed)
    return affine(draw.normal(size=(INPUTS, OUTPUTS)), draw.normal(size=OUTPUTS))


def plain(data: Data, prior: Affine, ridge: float) -> tuple[Array, Array]:
    return weighted_ridge(*data, (prior.weight.numpy(), prior.bias.numpy()), ridge)


def about(prior: Affine, data: Moments, ridge: float) -> Affine:
    """Return the ridge map that is pulled to a prior instead of zero."""
    change = ridge_map(data.residual(prior.weight, prior.bias), ridge)
    return Affine(prior.weight + change.weight, prior.bias + change.bias)


def error_of(data: Data, found: Affine) -> float:
    x, y, w = data
    said = x @ found.weight.numpy() + found.bias.numpy()
    return float(np.sum(w[:, None] * (said - y) ** 2))


@pytest.mark.parametrize("ridge", [RIDGES[0], 0.1, RIDGES[-1]])
@pytest.mark.parametrize("count", [200, 4])
def test_a_ridge_map_solves_the_penalised_least_squares(ridge: float, count: int) -> None:
    data, prior = draw_tokens(count), some_prior()
    found = about(prior, moments(data), ridge)
    weight, bias = plain(data, prior, ridge)
    np.testing.assert_allclose(found.weight.numpy(), weight, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found.bias.numpy(), bias, rtol=1e-6, atol=1e-4)


def test_the_error_is_that_of_the_tokens() -> None:
    data, found = draw_tokens(100), some_prior()
    assert squared_error(moments(data), found) == pytest.approx(error_of(data, found), rel=1e-9)
    broken = replace(found, bias=found.bias * float("nan"))
    assert squared_error(moments(data), broken) == float("inf")


def test_a_map_behind_another_says_what_both_say_in_turn() -> None:
    first = affine(np.random.default_rng(1).normal(size=(4, INPUTS)), np.arange(INPUTS) / 3)
    second, x = some_prior(), torch.randn(9, 4, dtype=torch.float64)
    both = second.compose(first)
    said = (x @ first.weight + first.bias) @ second.weight + second.bias
    torch.testing.assert_close(x @ both.weight + both.bias, said)


def test_the_solved_map_is_that_of_all_tokens_at_the_chosen_ridge() -> None:
    fit, held, prior = draw_tokens(150), draw_tokens(40, seed=1), some_prior()
    found = solve_ridge(moments(fit), moments(held), prior)
    both: Data = tuple(np.concatenate(pair) for pair in zip(fit, held, strict=True))  # type: ignore[assignment]
    assert found.ridge in RIDGES
    weight, bias = plain(both, prior, found.ridge)
    np.testing.assert_allclose(found.affine.weight.numpy(), weight, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found.affine.bias.numpy(), bias, rtol=1e-6, atol=1e-4)
    spread = float(moments(held).yy)
    assert found.before == pytest.approx(error_of(held, prior) / spread, rel=1e-6)
    from_fit = affine(*plain(fit, prior, found.ridge))
    assert found.after == pytest.approx(error_of(held, from_fit) / spread, rel=1e-5)
    assert found.after < found.before


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(3, 40),
    held=st.integers(2, 20),
    noise=st.sampled_from([0.01, 1.0, 100.0]),
)
def test_no_ridge_beside_the_chosen_one_errs_less_on_held_out_tokens(
    seed: int, count: int, held: int, noise: float
) -> None:
    fit = moments(draw_tokens(count, seed=seed, noise=noise))
    other = moments(draw_tokens(held, seed=seed + 1, noise=noise))
    prior = some_prior(seed)
    found = solve_ridge(fit, other, prior)
    if found.ridge is None:
        assert found.affine is prior
        assert found.after == found.before
        return
    place = RIDGES.index(found.ridge)
    errors = [squared_error(other, about(prior, fit, ridge)) for ridge in RIDGES]
    assert errors[place] <= min(errors[max(place - 1, 0) : place + 2]) * (1 + 1e-6)
    assert found.after * float(other.yy) == pytest.approx(errors[place], rel=1e-6)
    assert found.after < found.before
    assert found.affine.weight.isfinite().all()
    assert found.affine.bias.isfinite().all()


def test_the_prior_stays_where_nothing_does_better() -> None:
    x, _, w = draw_tokens(60)
    prior = some_prior()
    exact: Data = (x, x @ prior.weight.numpy() + prior.bias.numpy(), w)
    noisy: Data = (x, exact[1] + np.random.default_rng(3).normal(size=(60, OUTPUTS)), w)
    found = solve_ridge(moments(noisy), moments(exact), prior)
    assert found.affine is prior
    assert found.ridge is None
    assert found.after == found.before == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("ridge", [RIDGES[0], RIDGES[-1]])
def test_an_input_that_never_varies_keeps_its_prior(ridge: float) -> None:
    x, y, w = draw_tokens(50)
    x[:, 2] = 1 / 3
    prior = some_prior()
    found = about(prior, moments((x, y, w)), ridge)
    assert found.weight[2].numpy() == pytest.approx(prior.weight[2].numpy(), rel=1e-6)
    weight, _ = plain((x, y, w), prior, ridge)
    np.testing.assert_allclose(np.delete(found.weight, 2, 0), np.delete(weight, 2, 0), rtol=1e-5)


def test_an_input_that_is_nearly_silent_gets_no_weights_that_magnify_rounding() -> None:
    """What it says follows the targets all the same."""
    x, y, w = draw_tokens(400)
    x, y = (one - one.mean(axis=0) for one in (x, y))
    x, y = x / x.std(axis=0), y / y.std()
    x[:, 2] = 1e-6 * y[:, 0]
    prior = affine(np.zeros((INPUTS, OUTPUTS)), np.zeros(OUTPUTS))
    found = about(prior, moments((x, y, w)), RIDGES[0])
    rounding = 3e-7  # of an activation of float32
    assert rounding * np.abs(found.weight[2].numpy()).max() < 1e-5


@pytest.mark.parametrize("seed", [0, 179, 191])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_identical_tokens_move_the_bias_alone(dtype: torch.dtype, seed: int) -> None:
    """A text that is repeated says nothing about the weights; rounding is no variance."""
    torch.manual_seed(seed)
    one, target = 7 * torch.randn(INPUTS, dtype=dtype), torch.randn(OUTPUTS, dtype=dtype)
    sums = [MomentSums(INPUTS, OUTPUTS), MomentSums(INPUTS, OUTPUTS)]
    for part, count in zip(sums, (37, 11), strict=True):
        part.add(one.expand(count, -1), target.expand(count, -1), torch.rand(count, dtype=dtype))
    prior = some_prior()
    found = solve_ridge(sums[0].moments(), sums[1].moments(), prior)
    torch.testing.assert_close(found.affine.weight, prior.weight, rtol=1e-4, atol=1e-4)
    assert found.affine.bias.isfinite().all()
    assert found.after <= found.before


def test_two_tokens_are_enough_for_finite_weights() -> None:
    fit, held = draw_tokens(1), draw_tokens(1, seed=1)
    found = solve_ridge(moments(fit), moments(held), some_prior())
    assert found.affine.weight.isfinite().all()
    assert found.affine.bias.isfinite().all()
    assert np.isfinite([found.before, found.after]).all()


# Fewer ranks


def weighted_error(xx: Tensor, difference: Tensor) -> float:
    return float((difference * (xx @ difference)).sum())


def alternating(xx: Array, weight: Array, rank: int) -> float:
    """Return the least error of a map of a rank, found by solving for one factor, then the other.

    Everything is closed form in each half step, so that the error only falls.
    """
    draw = np.random.default_rng(0)
    best = float("inf")
    for _ in range(5):
        into = draw.normal(size=(len(weight), rank))
        for _ in range(400):
            out_of = np.linalg.solve(into.T @ xx @ into, into.T @ xx @ weight)
            into = weight @ out_of.T @ np.linalg.inv(out_of @ out_of.T)
        difference = weight - into @ out_of
        best = min(best, float(np.sum(difference * (xx @ difference))))
    return best


@pytest.mark.parametrize("rank", [1, 2])
def test_a_map_of_low_rank_is_the_closest_there_is(rank: int) -> None:
    draw = np.random.default_rng(2)
    rows = draw.normal(size=(80, INPUTS)) * [1, 2, 0.5, 1, 3]
    xx, weight = rows.T @ rows, draw.normal(size=(INPUTS, OUTPUTS))
    into, out_of = low_rank(torch.from_numpy(xx), torch.from_numpy(weight), rank)
    assert into.shape == (INPUTS, rank)
    assert out_of.shape == (rank, OUTPUTS)
    error = weighted_error(torch.from_numpy(xx), torch.from_numpy(weight) - into @ out_of)
    assert error == pytest.approx(alternating(xx, weight, rank), rel=1e-4)


@pytest.mark.parametrize("varying", [INPUTS, 2, 0])
def test_full_rank_is_exact_however_few_inputs_vary(varying: int) -> None:
    draw = torch.Generator().manual_seed(1)
    rows = torch.randn(30, INPUTS, generator=draw, dtype=torch.float64)
    rows[:, varying:] = 0
    weight = torch.randn(INPUTS, OUTPUTS, generator=draw, dtype=torch.float64)
    into, out_of = low_rank(rows.T @ rows, weight, OUTPUTS)
    torch.testing.assert_close(into @ out_of, weight, rtol=1e-9, atol=1e-9)
