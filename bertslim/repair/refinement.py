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
from bertslim.ranks import Ranks
from bertslim.repair.calibration_pool import CalibrationPool, WeighedTokens
from bertslim.repair.split_moments import Values
from bertslim.surgery.output_metric import symmetric_root
from bertslim.surgery.statistics import MomentSums

LEARNING_RATE = 1e-3
SHARES = (0.25, 0.5, 0.75, 1.0)  # of the way to what gradient descent found


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
        after: With those that are there now.
    """

    before: float
    after: float


@dataclass(frozen=True)
class BlockTask:
    """What a block should put out, and the texts to see it by.

    Attributes:
        fit: The tokens that its maps are fitted to, which count by their weights w.
        held: Those that only decide how far the maps go.
        output: What a batch's tokens get from the block, (sequences, length, outputs).
        target: What they should get; the difference is the error e.
        metric: M, (outputs, outputs).
        ranks: The processes that share the texts.
    """

    fit: CalibrationPool
    held: CalibrationPool
    output: Values
    target: Values
    metric: Tensor
    ranks: Ranks


def refine(
    maps: Sequence[nn.Linear],
    task: BlockTask,
    refinement: Refinement,
    *,
    layer: int,
    trial: float = 1.0,
) -> RefinedError:
    """Minimise sum w e M e^T over some maps by Adam, as far as held-out tokens gain from it.

    A step takes what is drawn of the pool; of several processes each has the gradient of its own
    tokens among them. With few texts the maps learn more of them than is true of others, so they go
    only that share of the way from what they were to what was found at which held-out tokens err
    least. Parameters are replaced, never written to.

    Args:
        maps: The maps of the block, each with its bias if it has one.
        task: What the block should put out.
        refinement: How.
        layer: The layer, by its number in the base, for messages.
        trial: The share of the steps after which no more are taken if held-out tokens have not
            gained anything.

    Raises:
        ModelError: An activation is not finite.
    """
    objective = _Objective(task)
    before = objective.held_error()
    if not math.isfinite(before):
        raise not_finite(layer)
    given = [(linear.weight, linear.bias) for linear in maps]
    way = _Way(objective, _copied_parameters(maps), before)
    way.descend(refinement, trial, label=f"refining layer {layer}")
    share = way.best_share()
    if share > 0:
        way.go(share)
    else:
        for linear, (weight, bias) in zip(maps, given, strict=True):
            linear.weight, linear.bias = weight, bias
    return RefinedError(before, way.errors[share])


def _copied_parameters(maps: Sequence[nn.Linear]) -> list[nn.Parameter]:
    """Give maps copies of their parameters, as those may be another model's as well."""
    copies = []
    for linear in maps:
        for name, parameter in list(linear.named_parameters(recurse=False)):
            copies.append(nn.Parameter(parameter.detach().clone()))
            setattr(linear, name, copies[-1])
    return copies


class _Way:
    """The way from maps as they were to those that gradient descent finds.

    Attributes:
        errors: Of held-out tokens, by the share of the way that the maps go.
    """

    def __init__(
        self, objective: _Objective, parameters: Sequence[nn.Parameter], before: float
    ) -> None:
        self._objective, self._parameters = objective, parameters
        self._start = self._end = _values(parameters)
        self.errors = {0.0: before}

    def descend(self, refinement: Refinement, trial: float, *, label: str) -> None:
        """Take all steps, or that share of them only if held-out tokens gain nothing by then."""
        optimizer = torch.optim.Adam(self._parameters)
        draw = torch.Generator().manual_seed(refinement.seed)
        rates = refinement.learning_rates()
        trial_steps = max(1, int(trial * len(rates)))
        shown = refinement.progress.track(rates, label, total=len(rates), unit="step")
        for step, rate in enumerate(shown):
            if step == trial_steps and not self._gains():
                return
            optimizer.param_groups[0]["lr"] = rate
            self._objective.differentiate(self._parameters, draw)
            optimizer.step()
        optimizer.zero_grad()
        self._try_shares()

    def best_share(self) -> float:
        """Return the share of the way at which held-out tokens err least."""
        return min(self.errors, key=self.errors.__getitem__)

    @torch.no_grad()
    def go(self, share: float) -> None:
        """Set the parameters to what lies a share of the way from start to end."""
        for parameter, first, last in zip(self._parameters, self._start, self._end, strict=True):
            parameter.copy_(torch.lerp(first, last, share))

    def _gains(self) -> bool:
        self._try_shares()
        self.go(1.0)
        return self.best_share() > 0

    def _try_shares(self) -> None:
        """Measure the errors on the way to the parameters as they are."""
        self._end = _values(self._parameters)
        for share in SHARES:
            self.go(share)
            self.errors[share] = self._objective.held_error()


def _values(parameters: Sequence[nn.Parameter]) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in parameters]


class _Objective:
    """The error of maps on the calibration texts of all processes."""

    def __init__(self, task: BlockTask) -> None:
        self._task, self._root = task, symmetric_root(task.metric)
        self._spread = self._spread_of(task.fit) / max(task.fit.tokens, 1)
        self._held_spread = self._spread_of(task.held)

    def differentiate(self, parameters: Sequence[nn.Parameter], draw: torch.Generator) -> None:
        """Set the gradients of the error of drawn tokens as a share of the targets' spread."""
        tokens, ranks = self._task.fit.drawn(draw), self._task.ranks
        gradients = torch.cat([torch.zeros_like(one).flatten() for one in parameters])
        count = 0
        if tokens is not None:
            gradients, count = self._gradients(tokens, parameters), int(tokens.chosen.sum())
        summed = ranks.total(gradients) / int(ranks.total(torch.tensor(count)))
        parts = torch.split(summed, [parameter.numel() for parameter in parameters])
        for parameter, part in zip(parameters, parts, strict=True):
            parameter.grad = part.view_as(parameter)

    def held_error(self) -> float:
        """Return the error of held-out tokens as a share of their targets' spread."""
        errors = [self._error(tokens).double().cpu() for tokens in self._task.held.each()]
        total = self._task.ranks.total(torch.stack([*errors, torch.zeros(()).double()]).sum())
        return float(total) / self._held_spread

    def _gradients(self, tokens: WeighedTokens, parameters: Sequence[nn.Parameter]) -> Tensor:
        """Return the gradient of the summed error, all parameters in one row."""
        with torch.enable_grad():
            errors = self._errors(tokens)
        weights = tokens.weights[tokens.chosen].unsqueeze(-1)
        slopes = 2 / self._spread * weights * (errors.detach() @ self._task.metric.to(errors))
        gradients = torch.autograd.grad(errors, parameters, slopes)
        return torch.cat([gradient.flatten() for gradient in gradients])

    def _error(self, tokens: WeighedTokens) -> Tensor:
        """Return sum w e M e^T."""
        errors = self._in_metric(self._errors(tokens))
        return (tokens.weights[tokens.chosen] * errors.square().sum(dim=-1)).sum()

    def _errors(self, tokens: WeighedTokens) -> Tensor:
        """Return the errors of the chosen tokens, (tokens, outputs)."""
        batch, chosen = tokens.batch, tokens.chosen
        return self._task.output(batch)[chosen] - self._task.target(batch)[chosen]

    def _spread_of(self, pool: CalibrationPool) -> float:
        """Return sum w (y - mean) M (y - mean)^T of the targets y; 1 where that is 0."""
        sums = MomentSums(0, len(self._root))
        for tokens in pool.each():
            targets = self._in_metric(self._task.target(tokens.batch)[tokens.chosen])
            sums.add(targets[:, :0], targets, tokens.weights[tokens.chosen])
        return float(sums.moments_over(self._task.ranks).yy) or 1.0

    def _in_metric(self, values: Tensor) -> Tensor:
        return values @ self._root.to(values)
