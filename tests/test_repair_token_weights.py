"""How tokens count, against the formula written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from bertslim.repair.token_weights import token_weights


@pytest.fixture
def sums() -> list[Tensor]:
    return [torch.randn(2, 5, 8) * 3, torch.randn(1, 3, 8, dtype=torch.float64)]


def variances(sums: list[Tensor]) -> list[NDArray[np.float64]]:
    plain = [one.double().numpy() for one in sums]
    return [np.mean((one - one.mean(-1, keepdims=True)) ** 2, axis=-1) for one in plain]


def test_tokens_count_by_the_variance_that_their_layer_norm_divides_by(sums) -> None:
    for one, variance in zip(sums, variances(sums), strict=True):
        weights = token_weights(one, None)
        np.testing.assert_allclose(weights.numpy(), 1 / variance, rtol=1e-5)


def test_sensitive_tokens_count_for_more(sums) -> None:
    sensitivity = [torch.rand(one.shape[:-1]) for one in sums]
    sensitivity[0][1, 3:] = 0  # padding
    mattering = [g.numpy() * v for g, v in zip(sensitivity, variances(sums), strict=True)]
    found = map(token_weights, sums, sensitivity)
    for weights, matter, variance in zip(found, mattering, variances(sums), strict=True):
        counted = np.maximum((matter > 0).sum(axis=1, keepdims=True), 1)
        mean = matter.sum(axis=1, keepdims=True) / counted
        expected = (0.5 + 0.5 * matter / mean) / variance
        np.testing.assert_allclose(weights.numpy(), expected, rtol=1e-5)


def test_texts_that_the_outputs_mind_more_count_no_more(sums) -> None:
    sensitivity = [torch.rand(one.shape[:-1]) for one in sums]
    louder = [one * torch.tensor([[1e6], [1.0]])[: len(one)] for one in sensitivity]
    found, again = map(token_weights, sums, sensitivity), map(token_weights, sums, louder)
    for one, other in zip(found, again, strict=True):
        torch.testing.assert_close(one, other)


def test_an_rms_norm_divides_by_the_root_of_the_mean_square(sums) -> None:
    for one in sums:
        mean_square = np.square(one.numpy().astype(np.float64)).mean(axis=-1)
        weights = token_weights(one, None, centred=False)
        np.testing.assert_allclose(weights.numpy(), 1 / mean_square, rtol=1e-5)


def test_outputs_that_mind_nothing_leave_the_variance(sums) -> None:
    silent = [torch.zeros(one.shape[:-1]) for one in sums]
    for one, none in zip(sums, silent, strict=True):
        assert torch.equal(token_weights(one, none), token_weights(one, None))


def test_a_sum_without_variance_has_a_finite_weight() -> None:
    constant = torch.full((1, 2, 8), 3.0)
    assert token_weights(constant, torch.ones(1, 2)).isfinite().all()
    assert token_weights(constant, None).isfinite().all()
