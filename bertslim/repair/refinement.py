"""The maps of a block fitted together, by gradient descent, to what the block should put out.

This is local: each block has its own target, from states that are in memory already, and no
gradient goes through another layer. It is not closed form: there, only the last map of a block can
be the unknown.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bertslim.model.finite_outputs import not_finite
from bertslim.progress import Progress
from bertslim.repair.calibration import Calibration
from bertslim.repair.split_moments import Target, Values
from bertslim.repair.token_pool import TokenPool, WeighedTokens
from bertslim.surgery.output_metric import symmetric_root
from bertslim.surgery.statistics import MomentSums

TOKENS_A_STEP = 4096
LEARNING_RATE = 1e-3


@dataclass(frozen=True)
class Refinement:
    """How a block is refined.

    Attributes:
        steps: Of gradient descent.
        seed: Settles which tokens are drawn.
        progress: Shows the steps.
    """

    steps: int
    seed: int
    progress: Progress

    def learning_rates(self) -> list[float]:
        """Return the rate of each step, from the highest down to 0 by a cosine."""
        turns = (math.pi * step / self.steps for step in range(self.steps))
        return [LEARNING_RATE * (1 + math.cos(turn)) / 2 for turn in turns]


@dataclass(frozen=True)
class RefinedError:
    """The weighted squared error on held-out tokens, as a share of the targets' variance.

    Both are measured in the metric.

    Attributes:
        before: With the maps as they were.
        after: With those that gradient descent found; they stay where that is less.
    """

    before: float
    after: float


def refine(
    calibration: Calibration,
    maps: Sequence[nn.Linear],
    output: Values,
    target: Target,
    metric: Tensor,
    refinement: Refinement,
    *,
    layer: int,
) -> RefinedError:
    """Minimise sum w e M e^T over some maps by Adam; keep what errs less on held-out tokens.

    A step takes 4,096 tokens, drawn from all that are not held out; of several processes each has
    the gradient of its own tokens among them. Parameters are replaced, never written to.

    Args:
        calibration: The texts.
        maps: The maps, each with its bias if it has one.
        output: What a batch's tokens get from them, (sequences, length, outputs).
        target: What they should get; e is the difference.
        metric: M, (outputs, outputs).
        refinement: How.
        layer: The layer, by its number in the base, for messages.

    Raises:
        ModelError: An activation is not finite.
    """
    objective = _Objective(calibration, output, target, metric)
    before = objective.held_error()
    if not math.isfinite(before):
        raise not_finite(layer)
    given = [(linear.weight, linear.bias) for linear in maps]
    parameters = _copied_parameters(maps)
    optimizer = torch.optim.Adam(parameters)
    draw = torch.Generator().manual_seed(refinement.seed)
    rates = refinement.learning_rates()
    label = f"refining layer {layer}"
    for rate in refinement.progress.track(rates, label, total=len(rates), unit="step"):
        optimizer.param_groups[0]["lr"] = rate
        objective.differentiate(parameters, draw)
        optimizer.step()
    optimizer.zero_grad()
    after = objective.held_error()
    if after < before:
        return RefinedError(before, after)
    for linear, (weight, bias) in zip(maps, given, strict=True):
        linear.weight, linear.bias = weight, bias
    return RefinedError(before, before)


def _copied_parameters(maps: Sequence[nn.Linear]) -> list[nn.Parameter]:
    """Give maps copies of their parameters, as those may be another model's as well."""
    copies = []
    for linear in maps:
        for name, parameter in list(linear.named_parameters(recurse=False)):
            copies.append(nn.Parameter(parameter.detach().clone()))
            setattr(linear, name, copies[-1])
    return copies


class _Objective:
    """The error of maps on the calibration texts of all processes."""

    def __init__(
        self, calibration: Calibration, output: Values, target: Target, metric: Tensor
    ) -> None:
        self._ranks = calibration.ranks
        self._output, self._target = output, target
        self._root = symmetric_root(metric)
        self._fit = TokenPool(calibration, target.weights, lambda batch: batch.fit)
        self._held = TokenPool(calibration, target.weights, lambda batch: batch.held)
        self._spread = self._spread_of(self._fit) / max(self._fit.count, 1)

    def differentiate(self, parameters: Sequence[nn.Parameter], draw: torch.Generator) -> None:
        """Set the gradients of the mean error of drawn tokens as a share of the targets' spread."""
        tokens = self._fit.drawn(TOKENS_A_STEP, draw)
        with torch.enable_grad():
            share = self._error(tokens) / (TOKENS_A_STEP * self._spread)
            gradients = torch.autograd.grad(share, parameters)
        summed = self._ranks.total(torch.cat([gradient.flatten() for gradient in gradients]))
        parts = torch.split(summed, [parameter.numel() for parameter in parameters])
        for parameter, part in zip(parameters, parts, strict=True):
            parameter.grad = part.view_as(parameter)

    def held_error(self) -> float:
        """Return the error of held-out tokens as a share of their targets' spread."""
        errors = [self._error(tokens).double() for tokens in self._held.each()]
        total = self._ranks.total(torch.stack(errors).sum())
        return float(total) / self._spread_of(self._held)

    def _error(self, tokens: WeighedTokens) -> Tensor:
        """Return sum w e M e^T."""
        errors = self._output(tokens.batch) - self._target.values(tokens.batch)
        return (tokens.weights * self._in_metric(errors).square().sum(dim=-1)).sum()

    def _spread_of(self, pool: TokenPool) -> float:
        """Return sum w (y - mean) M (y - mean)^T of the targets y; 1 where that is 0."""
        sums = MomentSums(0, len(self._root))
        for tokens in pool.each():
            targets = self._in_metric(self._target.values(tokens.batch))[0]
            sums.add(targets[:, :0], targets, tokens.weights[0])
        return float(sums.moments_over(self._ranks).yy) or 1.0

    def _in_metric(self, values: Tensor) -> Tensor:
        return values @ self._root.to(values)
