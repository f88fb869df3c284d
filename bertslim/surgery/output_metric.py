"""Which directions of a block's output the outputs of the model depend on."""

from __future__ import annotations

import torch
from torch import Tensor

_EQUAL_SHARE = 0.1  # of all directions alike, so that none counts for nothing


def output_metric(gradient_moment: Tensor) -> Tensor:
    """Return the metric M in which an error e of a block's output is measured, e M e^T.

    To first order an error changes the outputs by its product with their gradient g, so that the
    mean of g^T g over tokens says what it costs: the factor of the outputs in a Kronecker-factored
    Fisher information (K-FAC, Martens and Grosse 2015, arXiv 1503.05671). It is scaled to a mean
    eigenvalue of 1, and a tenth of it is the identity.

    Args:
        gradient_moment: sum g^T g over tokens, (hidden_size, hidden_size); where nothing depends on
            the block it is zero, and the metric the identity.

    Returns:
        M, symmetric and positive definite, in float64, of the same shape.
    """
    moment = gradient_moment.double()
    identity = torch.eye(len(moment), dtype=torch.float64)
    mean = moment.diagonal().mean()
    if not mean > 0:
        return identity
    return torch.lerp(moment / mean, identity, _EQUAL_SHARE)


def symmetric_root(metric: Tensor) -> Tensor:
    """Return the symmetric R with R R = M, of a symmetric positive semidefinite M."""
    values, vectors = torch.linalg.eigh(metric)
    root: Tensor = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    return root
