"""The one number that an FFN output is best multiplied by."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bertslim.model.finite_outputs import not_finite
from bertslim.repair.calibration import Calibration
from bertslim.repair.split_moments import Target, Values


@dataclass(frozen=True)
class FittedGain:
    """A gain, and its weighted squared error on held-out tokens as a share of the targets'.

    Attributes:
        gain: 1 where the block adds nothing, or where 1 errs less on held-out tokens.
        before: The error with a gain of 1.
        after: The error with the gain that was solved from the other tokens.
    """

    gain: float
    before: float
    after: float


def fit_gain(calibration: Calibration, update: Values, target: Target, *, layer: int) -> FittedGain:
    """Solve min sum w |g y - y*|^2: g = sum w <y, y*> / sum w <y, y>.

    Args:
        calibration: The texts.
        update: What the block adds for a batch, y, (sequences, length, hidden_size).
        target: What it should add, y*, of the same shape.
        layer: The layer, by its number in the base, for messages.

    Raises:
        ModelError: An activation is not finite.
    """
    ranks = calibration.ranks
    fit, held = (torch.zeros(3, dtype=torch.float64) for _ in range(2))
    for batch in calibration.batches:
        y, y_target = update(batch).double(), target.values(batch).double()
        products = torch.stack(
            [(y * y).sum(-1), (y * y_target).sum(-1), (y_target * y_target).sum(-1)]
        )
        weighted = products * target.weights(batch)
        fit += weighted[:, batch.fit].sum(dim=1).cpu()
        held += weighted[:, batch.held].sum(dim=1).cpu()
    fit, held = ranks.total(fit), ranks.total(held)
    if not (fit + held).isfinite().all():
        raise not_finite(layer)
    scale = float(held[2]) or 1.0
    before = _error(held, 1.0) / scale
    after = _error(held, _gain(fit)) / scale
    if not after < before:
        return FittedGain(1.0, before, before)
    return FittedGain(_gain(fit + held), before, after)


def _gain(sums: Tensor) -> float:
    return float(sums[1] / sums[0]) if sums[0] > 0 else 1.0


def _error(sums: Tensor, gain: float) -> float:
    return float(gain * gain * sums[0] - 2 * gain * sums[1] + sums[2])
