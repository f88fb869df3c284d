"""How much each token counts in a fit."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bertslim.surgery.ranks import Ranks

# Of the weight by sensitivity; the rest is by variance alone, so that no token counts for nothing.
SENSITIVE_SHARE = 0.9
_LEAST_VARIANCE = 1e-6


def token_weights(
    sums: Sequence[Tensor], sensitivity: Sequence[Tensor] | None, ranks: Ranks
) -> list[Tensor]:
    """Weigh the tokens of one sum before a LayerNorm.

    The LayerNorm divides by the standard deviation of a token's sum, so that its error counts by
    1 / variance; without that weight a few massive tokens lead the fit. Where it is known how much
    the outputs mind, tokens count for that as well.

    Args:
        sums: What goes into the LayerNorm, (sequences, length, hidden_size), batch by batch.
        sensitivity: Squared norms of the outputs' gradient with respect to the sums, (sequences,
            length), 0 for padding; None: not known.
        ranks: The processes that share the texts.

    Returns:
        Weights, (sequences, length), batch by batch.
    """
    variances = [variance_of(one) for one in sums]
    if sensitivity is None:
        return [1 / variance for variance in variances]
    mattering = [
        squared * variance for squared, variance in zip(sensitivity, variances, strict=True)
    ]
    counts = [torch.stack([one.double().sum(), (one > 0).sum().double()]) for one in mattering]
    total, tokens = ranks.total(torch.stack(counts).sum(dim=0)).tolist()
    if not total > 0:
        return [1 / variance for variance in variances]
    return [
        ((1 - SENSITIVE_SHARE) + SENSITIVE_SHARE * matter * (tokens / total)) / variance
        for matter, variance in zip(mattering, variances, strict=True)
    ]


def variance_of(sums: Tensor) -> Tensor:
    """Return the variance over the channels of each token, (…), lifted from zero; sums (…, d)."""
    return sums.var(dim=-1, correction=0).clamp(min=_LEAST_VARIANCE)


def equal_weights(sums: Sequence[Tensor]) -> list[Tensor]:
    """Let all tokens count the same; shapes as above."""
    return [torch.ones(one.shape[:-1], dtype=one.dtype) for one in sums]
