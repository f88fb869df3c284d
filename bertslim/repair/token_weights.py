"""How much each token counts in a fit."""

from __future__ import annotations

import torch
from torch import Tensor

from bertslim.surgery.statistics import variance_of

# Of the weight by sensitivity; the rest is by variance alone, so that no token counts for nothing.
SENSITIVE_SHARE = 0.5


def token_weights(sums: Tensor, sensitivity: Tensor | None, *, centred: bool = True) -> Tensor:
    """Weigh the tokens of one sum before a LayerNorm.

    The LayerNorm divides by the standard deviation of a token's sum, so that its error counts by
    1 / variance; without that weight a few massive tokens lead the fit. Where the sensitivity of
    the outputs is known, tokens count by it as well, relative to the others of their sequence: a
    text that the base is unsure of has far larger gradients than one that it is sure of, and a few
    such texts would lead the fit in their turn.

    Args:
        sums: What goes into the LayerNorm, (sequences, length, hidden_size).
        sensitivity: Squared norms of the outputs' gradient with respect to the sums, (sequences,
            length), 0 for padding; None: not known.
        centred: Whether the norm subtracts the mean; one that does not divides by the root of the
            mean square, which then stands for the variance.

    Returns:
        Weights, (sequences, length).
    """
    variance = variance_of(sums, centred=centred)
    if sensitivity is None:
        return 1 / variance
    share = _within_sequences(sensitivity * variance)
    return ((1 - SENSITIVE_SHARE) + SENSITIVE_SHARE * share) / variance


def _within_sequences(matter: Tensor) -> Tensor:
    """Divide what tokens matter by its mean over the tokens of a sequence that matter at all."""
    mean = matter.sum(dim=1, keepdim=True) / (matter > 0).sum(dim=1, keepdim=True)
    return torch.where(mean > 0, matter / mean, 1.0)
