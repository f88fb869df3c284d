"""Which neurons of an FFN block matter most."""

from __future__ import annotations

from torch import Tensor, nn


def magnitude(ffn_in: nn.Linear, ffn_out: nn.Linear) -> Tensor:
    """Score each neuron by the norms of its weights: ||W1_j|| x ||W2_j||.

    The product does not change when a factor moves from the one to the other. The bias counts as
    a weight into the neuron.

    Args:
        ffn_in: hidden_size -> intermediate_size.
        ffn_out: intermediate_size -> hidden_size.

    Returns:
        Scores in float64, shape (intermediate_size,).
    """
    into = ffn_in.weight.double().square().sum(dim=1) + ffn_in.bias.double().square()
    out_of = ffn_out.weight.double().square().sum(dim=0)
    return (into * out_of).sqrt()


def keep_best(scores: Tensor, count: int) -> Tensor:
    """Return the indices of the highest scores in ascending order; of equal ones the first."""
    order = scores.argsort(descending=True, stable=True)
    return order[:count].sort().values
