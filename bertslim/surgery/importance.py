"""Which neurons of an FFN block matter most."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn


def magnitude(inputs: Sequence[nn.Linear], output: nn.Linear) -> Tensor:
    """Score each neuron by the norms of its weights: ||W1_j|| x ||W2_j||.

    The product does not change when a factor moves from the one to the other. The bias counts as
    a weight into the neuron. In a gated block the norms of gate and up are factors alike.

    Args:
        inputs: hidden_size -> intermediate_size; the two of a gated block, or one that is both.
        output: intermediate_size -> hidden_size.

    Returns:
        Scores in float64, shape (intermediate_size,).
    """
    squares = output.weight.double().square().sum(dim=0)
    for linear in inputs:
        into = linear.weight.double().square().sum(dim=1)
        if linear.bias is not None:
            into = into + linear.bias.double().square()
        for factor in into.view(-1, output.in_features):
            squares = factor * squares
    return squares.sqrt()


def keep_best(scores: Tensor, count: int) -> Tensor:
    """Return the indices of the highest scores in ascending order; of equal ones the first."""
    order = scores.argsort(descending=True, stable=True)
    return order[:count].sort().values
