"""Ridge regression from moments: an affine map pulled towards one that is known already."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from bertslim.records import Repair
from bertslim.surgery.statistics import Moments

# Ridges from 1e-4 to 100, as shares of each input's own variance, two a decade.
RIDGES = tuple(10.0 ** (half / 2) for half in range(-8, 5))
_USUAL = 6
# As a share of the inputs' mean variance. Neurons that hardly vary are little more than rounding,
# which large weights would magnify: runtimes round differently.
_LEAST_VARIANCE = 1e-4
_ROUNDING = 1e-12  # as a share of the mean square: what float32 makes of a constant


@dataclass(frozen=True)
class Affine:
    """y = x @ weight + bias: weight (inputs, outputs), bias (outputs,), in float64."""

    weight: Tensor
    bias: Tensor

    def compose(self, first: Self) -> Affine:
        """Return the map that applies the first one, then this one."""
        return Affine(first.weight @ self.weight, first.bias @ self.weight + self.bias)


@dataclass(frozen=True)
class RidgeFit:
    """A solved map.

    Attributes:
        affine: The map; the prior itself where nothing did better on held-out tokens.
        ridge: The share of each input's variance that was added; None where the prior was kept.
        before: Held-out weighted squared error of the prior, as a share of the targets' variance.
        after: The same of the map that was solved from the other tokens.
    """

    affine: Affine
    ridge: float | None
    before: float
    after: float

    def recorded(self, layer: int, part: str) -> Repair:
        """Return the account of the fit for a part of a layer, by its number in the base."""
        return Repair(
            layer=layer, part=part, ridge=self.ridge, before=self.before, after=self.after
        )


def solve_ridge(fit: Moments, held: Moments, prior: Affine) -> RidgeFit:
    """Choose the ridge on held-out tokens, then solve from all tokens.

    Args:
        fit: Moments of the tokens to solve from.
        held: Moments of other tokens, which only settle the ridge.
        prior: What the map is pulled towards, such as the weights before the cut.
    """
    left, held_left = (part.residual(prior.weight, prior.bias) for part in (fit, held))
    errors: dict[int, float] = {}

    def error(step: int) -> float:
        if step not in errors:
            errors[step] = squared_error(held_left, ridge_map(left, RIDGES[step]))
        return errors[step]

    best = _walk_down(error, len(RIDGES), start=_USUAL)
    before = _squared(held_left)
    scale = max(float(held.yy), _rounding(held.weight, held.mean_y)) or 1.0
    if not errors[best] < before:
        return RidgeFit(prior, None, before / scale, before / scale)
    change = ridge_map(left.merged(held_left), RIDGES[best])
    affine = Affine(prior.weight + change.weight, prior.bias + change.bias)
    return RidgeFit(affine, RIDGES[best], before / scale, errors[best] / scale)


def ridge_map(moments: Moments, ridge: float) -> Affine:
    """Solve min sum w |x W + b - y|^2 + ridge sum_i v_i |W_i|^2, v_i = sum w (x_i - mean)^2.

    v_i is at least 0.0001 of its mean over the inputs. The intercept b is free. A row W_i belongs
    to one input; that of an input that never varies is zero. Where the system is not positive
    definite, all of W is.
    """
    rounding = _rounding(moments.weight, moments.mean_x)
    system = moments.xx.clone()
    system.diagonal().add_(_spread(moments.xx, least=rounding), alpha=ridge)
    factor, failed = torch.linalg.cholesky_ex(
        system, out=(system, torch.empty(0, dtype=torch.int32))
    )
    weight = torch.zeros_like(moments.xy)
    if not failed:
        weight = torch.cholesky_solve(moments.xy, factor)
    return Affine(weight, moments.mean_y - moments.mean_x @ weight)


def squared_error(moments: Moments, affine: Affine) -> float:
    """Return sum w |x W + b - y|^2 of an affine map; infinity where that is not a number."""
    return _squared(moments.residual(affine.weight, affine.bias))


def _squared(residual: Moments) -> float:
    """Return sum w |y|^2 of what is left of the targets; infinity where that is not a number."""
    error = float(residual.yy + residual.weight * residual.mean_y.square().sum())
    return max(error, 0.0) if math.isfinite(error) else math.inf


def low_rank(xx: Tensor, weight: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """Return the factors A (inputs, rank) and B (rank, outputs) closest to a map in their outputs.

    Closest by sum w |x (W - A B)|^2: the singular value decomposition of L^T W with xx = L L^T
    (reduced-rank regression, Izenman 1975).

    Args:
        xx: sum w x x^T about the mean, (inputs, inputs).
        weight: W, (inputs, outputs).
        rank: At most min(inputs, outputs).
    """
    lower, failed = torch.linalg.cholesky_ex(xx + torch.diag(RIDGES[0] * _spread(xx)))
    if failed:  # nothing but rounding errors varies: all inputs count alike
        lower = torch.eye(len(xx), dtype=xx.dtype)
    u, s, v = torch.linalg.svd(lower.T @ weight, full_matrices=False)
    return torch.linalg.solve_triangular(lower.T, u[:, :rank] * s[:rank], upper=True), v[:rank]


def _rounding(weight: Tensor, mean: Tensor) -> float:
    """Return the least variance that differs from the rounding of a constant."""
    return _ROUNDING * float(weight * mean.square().mean())


def _spread(xx: Tensor, *, least: float = 0.0) -> Tensor:
    """Return the inputs' variances, lifted where an input hardly varies."""
    variance = xx.diagonal()
    floor = max(float(variance.mean()) * _LEAST_VARIANCE, least) or 1.0
    return variance.clamp(min=floor)


def _walk_down(error: Callable[[int], float], steps: int, *, start: int) -> int:
    """Return the place of a minimum of a function of 0 to steps - 1, downhill from the start."""
    best = start
    for direction in (-1, 1):
        while 0 <= best + direction < steps and error(best + direction) < error(best):
            best += direction
        if best != start:
            return best
    return best
