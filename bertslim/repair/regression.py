"""One regression over the calibration texts: moments in one pass, then the map."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from torch import Tensor

from bertslim.ranks import Ranks
from bertslim.repair.calibration import CalibrationBatch
from bertslim.repair.ridge import Affine, RidgeFit, solve_ridge
from bertslim.surgery.finite import not_finite
from bertslim.surgery.statistics import Moments, MomentSums

Values = Callable[[CalibrationBatch], Tensor]


@dataclass(frozen=True)
class Regression:
    """The moments of inputs and targets, of tokens to solve from and of tokens held out."""

    fit: Moments
    held: Moments

    @property
    def both(self) -> Moments:
        """The moments of all tokens."""
        return self.fit.merged(self.held)

    def solve(self, prior: Affine) -> RidgeFit:
        """Solve the map from inputs to targets, pulled towards one that is known."""
        return solve_ridge(self.fit, self.held, prior)

    def merged(self, other: Self) -> Regression:
        """Return the regression on the tokens of both."""
        return Regression(self.fit.merged(other.fit), self.held.merged(other.held))

    def projected(self, matrix: Tensor) -> Regression:
        """Return the regression on inputs @ matrix."""
        return Regression(self.fit.projected(matrix), self.held.projected(matrix))


def regression(
    texts: Sequence[CalibrationBatch],
    inputs: Values,
    targets: Values,
    weights: Sequence[Tensor],
    *,
    layer: int,
    ranks: Ranks,
) -> Regression:
    """Take the moments of all tokens.

    Args:
        texts: The calibration texts.
        inputs: What a map gets of a batch, (sequences, length, inputs).
        targets: What it should say, (sequences, length, outputs).
        weights: How much each token counts, (sequences, length) a batch.
        layer: The layer, by its number in the base, for messages.
        ranks: The processes that share the texts.

    Raises:
        ModelError: An activation is not finite.
    """
    sums: tuple[MomentSums, MomentSums] | None = None
    for text, weight in zip(texts, weights, strict=True):
        x, y = inputs(text), targets(text)
        sums = sums or _empty_sums(x, y, text.fit | text.held, ranks)
        for part, tokens in zip(sums, (text.fit, text.held), strict=True):
            part.add(x[tokens], y[tokens], weight[tokens])
        del x, y
    assert sums is not None  # noqa: S101
    found = Regression(*(part.moments_over(ranks) for part in sums))
    if not (found.fit.finite and found.held.finite):
        raise not_finite(layer)
    return found


def _empty_sums(
    x: Tensor, y: Tensor, tokens: Tensor, ranks: Ranks
) -> tuple[MomentSums, MomentSums]:
    """Begin sums about the means of the first batch, the same in all processes."""
    origin = ranks.of_first(x[tokens].mean(dim=0)), ranks.of_first(y[tokens].mean(dim=0))
    widths = x.shape[-1], y.shape[-1]
    return MomentSums(*widths, origin), MomentSums(*widths, origin)
