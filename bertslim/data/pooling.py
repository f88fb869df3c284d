"""How the hidden states of a text become one vector, as sentence-transformers computes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

_LEAST = 1e-9  # of a divisor, for texts whose tokens are all left out


@dataclass(frozen=True)
class Pooling:
    """How the hidden states of a text become one vector.

    Attributes:
        modes: Of `POOLERS`; the vectors of several are concatenated.
        prompt_tokens: The first tokens of each text, which the vector leaves out.
    """

    modes: tuple[str, ...] = ("mean",)
    prompt_tokens: int = 0

    def __str__(self) -> str:
        return "+".join(self.modes)

    def __call__(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Pool hidden states (texts, length, hidden), mask (texts, length) -> (texts, width)."""
        import torch

        pooled = mask
        if self.prompt_tokens:
            pooled = mask * (mask.cumsum(dim=1) > self.prompt_tokens).to(mask.dtype)
        return torch.cat([POOLERS[mode](hidden, pooled, mask) for mode in self.modes], dim=-1)


# Each takes hidden states (texts, length, hidden) and two masks (texts, length): that of the tokens
# that count, and that of all tokens of the text.
_Pooler = Callable[["Tensor", "Tensor", "Tensor"], "Tensor"]


def _first(hidden: Tensor, pooled: Tensor, mask: Tensor) -> Tensor:
    return _token(hidden, pooled.argmax(dim=1))


def _mean(hidden: Tensor, pooled: Tensor, mask: Tensor) -> Tensor:
    return _weighted(hidden, pooled)


def _mean_sqrt_len(hidden: Tensor, pooled: Tensor, mask: Tensor) -> Tensor:
    weights = pooled.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=_LEAST).sqrt()


def _max(hidden: Tensor, pooled: Tensor, mask: Tensor) -> Tensor:
    return hidden.masked_fill(pooled.unsqueeze(-1) == 0, -float("inf")).amax(dim=1)


def _weighted_mean(hidden: Tensor, pooled: Tensor, mask: Tensor) -> Tensor:
    return _weighted(hidden, mask.cumsum(dim=1) * pooled)


def _last_token(hidden: Tensor, pooled: Tensor, mask: Tensor) -> Tensor:
    counted = hidden * pooled.unsqueeze(-1).to(hidden.dtype)
    return _token(counted, (pooled.cumsum(dim=1) * pooled).argmax(dim=1))


def _token(hidden: Tensor, places: Tensor) -> Tensor:
    chosen = places.view(-1, 1, 1).expand(-1, 1, hidden.shape[-1])
    return hidden.gather(1, chosen).squeeze(1)


def _weighted(hidden: Tensor, weights: Tensor) -> Tensor:
    weights = weights.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=_LEAST)


POOLERS: dict[str, _Pooler] = {
    "cls": _first,
    "max": _max,
    "mean": _mean,
    "mean_sqrt_len_tokens": _mean_sqrt_len,
    "weightedmean": _weighted_mean,
    "lasttoken": _last_token,
}
