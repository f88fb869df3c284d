"""Moments of a map's inputs and targets over the calibration texts, and the map from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from torch import Tensor, nn

from bertslim.model.finite_outputs import not_finite
from bertslim.ranks import Ranks
from bertslim.repair.calibration import Calibration, CalibrationBatch
from bertslim.repair.ridge import Affine, RidgeFit, solve_ridge
from bertslim.surgery.statistics import Moments, MomentSums

Values = Callable[[CalibrationBatch], Tensor]


@dataclass(frozen=True)
class Target:
    """What a map is solved towards.

    Attributes:
        values: Of a batch, (sequences, length, outputs).
        weights: How much each token of a batch counts, (sequences, length).
    """

    values: Values
    weights: Values


@dataclass(frozen=True)
class SplitMoments:
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

    def for_maps(self, *maps: nn.Linear) -> SplitMoments:
        """Return what maps are solved from: the moments about 0 where one of them has no bias."""
        if all(linear.bias is not None for linear in maps):
            return self
        return SplitMoments(self.fit.about_origin(), self.held.about_origin())

    def merged(self, other: Self) -> SplitMoments:
        """Return the moments of the tokens of both."""
        return SplitMoments(self.fit.merged(other.fit), self.held.merged(other.held))

    def selected(self, inputs: Tensor) -> SplitMoments:
        """Return the moments of some of the inputs, by their numbers."""
        return SplitMoments(self.fit.selected(inputs), self.held.selected(inputs))

    def projected(self, matrix: Tensor) -> SplitMoments:
        """Return the moments of inputs @ matrix."""
        return SplitMoments(self.fit.projected(matrix), self.held.projected(matrix))


def gather_moments(
    calibration: Calibration, inputs: Values, target: Target, *, layer: int
) -> SplitMoments:
    """Take the moments of all tokens where the states are, and bring them to the CPU.

    Args:
        calibration: The texts.
        inputs: The inputs of a map for a batch, (sequences, length, inputs).
        target: What the map is solved towards, (sequences, length, outputs).
        layer: The layer, by its number in the base, for messages.

    Raises:
        ModelError: An activation is not finite.
    """
    ranks = calibration.ranks
    sums: tuple[MomentSums, MomentSums] | None = None
    for batch in calibration.batches:
        x, y, weights = inputs(batch), target.values(batch), target.weights(batch)
        sums = sums or _empty_sums(x, y, batch.fit | batch.held, ranks)
        for part, tokens in zip(sums, (batch.fit, batch.held), strict=True):
            part.add(x[tokens], y[tokens], weights[tokens])
        del x, y
    assert sums is not None  # noqa: S101
    moments = SplitMoments(*(part.moments_over(ranks).cpu() for part in sums))
    if not (moments.fit.finite and moments.held.finite):
        raise not_finite(layer)
    return moments


def _empty_sums(
    x: Tensor, y: Tensor, tokens: Tensor, ranks: Ranks
) -> tuple[MomentSums, MomentSums]:
    """Begin sums about the means of the first batch, the same in all processes."""
    origin = ranks.of_first(x[tokens].mean(dim=0)), ranks.of_first(y[tokens].mean(dim=0))
    widths = x.shape[-1], y.shape[-1]
    return MomentSums(*widths, origin), MomentSums(*widths, origin)
