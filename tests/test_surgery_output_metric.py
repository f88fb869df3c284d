"""The metric of a block's output, against the mean over tokens written out."""

from __future__ import annotations

import pytest
import torch

from bertslim.surgery.output_metric import output_metric, symmetric_root


@pytest.fixture
def gradients() -> torch.Tensor:
    return torch.randn(9, 5, dtype=torch.float64) * torch.tensor([3.0, 1.0, 0.1, 0.0, 2.0])


def test_an_error_counts_by_its_products_with_the_gradients(gradients) -> None:
    error = torch.randn(5, dtype=torch.float64)
    metric = output_metric(gradients.T @ gradients)
    by_gradient = sum(float(error @ gradient) ** 2 for gradient in gradients)
    mean_eigenvalue = sum(float(gradient @ gradient) for gradient in gradients) / 5
    expected = 0.9 * by_gradient / mean_eigenvalue + 0.1 * float(error @ error)
    assert float(error @ metric @ error) == pytest.approx(expected, rel=1e-12)
    assert float(metric.diagonal().mean()) == pytest.approx(1, rel=1e-12)
    assert torch.equal(metric, metric.T)


def test_where_nothing_depends_on_a_block_all_directions_are_alike() -> None:
    assert torch.equal(output_metric(torch.zeros(4, 4)), torch.eye(4, dtype=torch.float64))


def test_the_root_squared_is_the_metric(gradients) -> None:
    metric = gradients.T @ gradients  # of which one direction is zero
    root = symmetric_root(metric)
    torch.testing.assert_close(root @ root, metric, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(root, root.T)
    assert torch.linalg.eigvalsh(root).min() > -1e-10
