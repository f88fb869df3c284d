"""Weighted second moments of activations, streamed: what closed-form repair is solved from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from bertslim.ranks import Ranks

_LEAST_VARIANCE = 1e-6
_STRIP = 128  # rows of a symmetric product that are worked out at once


@dataclass(frozen=True)
class Moments:
    """Weighted moments of inputs x and targets y about their means, all in float64.

    Attributes:
        weight: The sum of the tokens' weights, a scalar.
        mean_x: (inputs,)
        mean_y: (outputs,)
        xx: sum w (x - mean_x)(x - mean_x)^T, (inputs, inputs)
        xy: sum w (x - mean_x)(y - mean_y)^T, (inputs, outputs)
        yy: sum w |y - mean_y|^2, a scalar
    """

    weight: Tensor
    mean_x: Tensor
    mean_y: Tensor
    xx: Tensor
    xy: Tensor
    yy: Tensor

    @property
    def finite(self) -> bool:
        """Whether no sum met a NaN or an infinity."""
        sums = (self.mean_x, self.mean_y, self.xx, self.xy, self.yy)
        return all(bool(torch.isfinite(values).all()) for values in sums)

    def cpu(self) -> Moments:
        """Return the same on the CPU, where maps are solved."""
        return Moments(**{name: values.cpu() for name, values in vars(self).items()})

    def about_origin(self) -> Moments:
        """Return the moments about 0, which count as means: a map solved from them has no bias."""
        x, y = self.mean_x, self.mean_y
        return Moments(
            weight=self.weight,
            mean_x=torch.zeros_like(x),
            mean_y=torch.zeros_like(y),
            xx=self.xx.addr(self.weight * x, x),
            xy=self.xy.addr(self.weight * x, y),
            yy=self.yy + self.weight * y.square().sum(),
        )

    def residual(self, weight: Tensor, bias: Tensor) -> Moments:
        """Return the moments with targets y - x @ weight - bias; weight (inputs, outputs)."""
        predicted = self.xx @ weight
        return Moments(
            weight=self.weight,
            mean_x=self.mean_x,
            mean_y=self.mean_y - self.mean_x @ weight - bias,
            xx=self.xx,
            xy=self.xy - predicted,
            yy=self.yy - 2 * (weight * self.xy).sum() + (weight * predicted).sum(),
        )

    def projected(self, matrix: Tensor) -> Moments:
        """Return the moments of x @ matrix instead of x; matrix (inputs, projected inputs)."""
        return Moments(
            weight=self.weight,
            mean_x=self.mean_x @ matrix,
            mean_y=self.mean_y,
            xx=matrix.T @ self.xx @ matrix,
            xy=matrix.T @ self.xy,
            yy=self.yy,
        )

    def selected(self, inputs: Tensor) -> Moments:
        """Return the moments of some of the inputs, by their numbers."""
        return Moments(
            weight=self.weight,
            mean_x=self.mean_x[inputs],
            mean_y=self.mean_y,
            xx=self.xx[inputs][:, inputs],
            xy=self.xy[inputs],
            yy=self.yy,
        )

    def merged(self, other: Self) -> Moments:
        """Return the moments of both samples together (Chan et al. 1979)."""
        weight = self.weight + other.weight
        if not weight > 0:
            return self
        share = other.weight / weight
        dx, dy = other.mean_x - self.mean_x, other.mean_y - self.mean_y
        between = self.weight * share
        return Moments(
            weight=weight,
            mean_x=self.mean_x + share * dx,
            mean_y=self.mean_y + share * dy,
            xx=(self.xx + other.xx).addr_(between * dx, dx),
            xy=(self.xy + other.xy).addr_(between * dx, dy),
            yy=self.yy + other.yy + between * dy.square().sum(),
        )


class MomentSums:
    """Adds up moments batch by batch, where the tokens are, in the same memory however many.

    Of the symmetric product only strips up to the diagonal are worked out, which takes little more
    than half the time. Products within a batch are worked out in its own type, so that they are the
    same whichever process has the batch; their sums are kept in float64. Everything is taken
    relative to an origin near the mean, so that a large mean costs no precision.

    Args:
        inputs: Width of x.
        outputs: Width of y.
        origin: Points near the means of x and of y; None: the first batch's means.
    """

    def __init__(
        self, inputs: int, outputs: int, origin: tuple[Tensor, Tensor] | None = None
    ) -> None:
        self._weight = torch.zeros((), dtype=torch.float64)
        self._x = torch.zeros(inputs, dtype=torch.float64)
        self._y = torch.zeros(outputs, dtype=torch.float64)
        self._xx = torch.zeros(inputs, inputs, dtype=torch.float64)
        self._xy = torch.zeros(inputs, outputs, dtype=torch.float64)
        self._yy = torch.zeros((), dtype=torch.float64)
        self._origin = origin

    def add(self, x: Tensor, y: Tensor, weights: Tensor) -> None:
        """Add tokens.

        Args:
            x: (tokens, inputs)
            y: (tokens, outputs)
            weights: (tokens,), none negative.
        """
        self._go_to(x.device)
        if len(x) == 0:
            return
        if self._origin is None:
            self._origin = x.mean(dim=0), y.mean(dim=0)
        x, y = x - self._origin[0], y - self._origin[1]
        weighted = x * weights.unsqueeze(1)
        self._weight += weights.double().sum()
        self._x += weighted.double().sum(dim=0)
        self._y += (weights.unsqueeze(1) * y).double().sum(dim=0)
        for strip in _strips(len(self._x)):
            self._xx[strip, : strip.stop] += weighted[:, strip].T @ x[:, : strip.stop]
        self._xy += weighted.T @ y
        self._yy += (weights * y.square().sum(dim=1)).double().sum()

    def _go_to(self, device: torch.device) -> None:
        if self._xx.device == device:
            return
        self._weight, self._yy = self._weight.to(device), self._yy.to(device)
        self._x, self._y = self._x.to(device), self._y.to(device)
        self._xx, self._xy = self._xx.to(device), self._xy.to(device)

    def moments(self) -> Moments:
        """Return the moments of all tokens so far."""
        weight = self._weight.clamp(min=torch.finfo(torch.float64).tiny)
        dx, dy = self._x / weight, self._y / weight
        origin_x, origin_y = self._origin or (torch.zeros_like(dx), torch.zeros_like(dy))
        for strip in _strips(len(self._x)):
            self._xx[: strip.start, strip] = self._xx[strip, : strip.start].T
        return Moments(
            weight=self._weight.clone(),
            mean_x=dx + origin_x,
            mean_y=dy + origin_y,
            xx=torch.addr(self._xx, self._weight * dx, dx, alpha=-1),
            xy=torch.addr(self._xy, self._weight * dx, dy, alpha=-1),
            yy=self._yy - self._weight * dy.square().sum(),
        )

    def moments_over(self, ranks: Ranks) -> Moments:
        """Return the moments of the tokens of all processes, the same in each."""
        mine = self.moments()
        if ranks.count == 1:
            return mine
        weight = ranks.total(mine.weight)
        share = mine.weight / weight.clamp(min=torch.finfo(torch.float64).tiny)
        mean_x, mean_y = ranks.total(share * mine.mean_x), ranks.total(share * mine.mean_y)
        dx, dy = mine.mean_x - mean_x, mine.mean_y - mean_y
        return Moments(
            weight=weight,
            mean_x=mean_x,
            mean_y=mean_y,
            xx=ranks.total(mine.xx.addr_(mine.weight * dx, dx)),
            xy=ranks.total(mine.xy.addr_(mine.weight * dx, dy)),
            yy=ranks.total(mine.yy + mine.weight * dy.square().sum()),
        )


def _strips(rows: int) -> Iterator[slice]:
    for start in range(0, rows, _STRIP):
        yield slice(start, min(start + _STRIP, rows))


def variance_of(sums: Tensor, *, centred: bool = True) -> Tensor:
    """Return the square of what a norm divides each token by, (…), lifted from zero; sums (…, d).

    It is the variance over the channels, or their mean square where norms do not centre (RMSNorm).
    """
    values = sums - sums.mean(dim=-1, keepdim=True) if centred else sums
    return values.square().mean(dim=-1).clamp(min=_LEAST_VARIANCE)
