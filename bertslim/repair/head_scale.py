"""The one number that the logits of a repaired model are best multiplied by.

What a repair leaves of error is noise on the logits. A base that is sure of its answers makes the
slim model as sure of the wrong ones, which the divergence from the base punishes most; one factor
below 1 takes that back and changes no answer (temperature scaling, Guo et al. 2017,
arXiv 1706.04599, towards the base's outputs in place of labels).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from bertslim.data.outputs import Decisions, decisions, on_cpu
from bertslim.model.checkpoint import Checkpoint
from bertslim.model.finite_outputs import not_finite
from bertslim.model.layer import run_head
from bertslim.ranks import Ranks
from bertslim.records import Repair
from bertslim.repair.affine_maps import affine_of, set_affine
from bertslim.repair.calibration import CalibrationBatch
from bertslim.repair.context import RepairContext
from bertslim.repair.ridge import Affine

PART = "head scale"
_HEADS = ("SequenceClassification", "TokenClassification", "QuestionAnswering")
_OUTPUT_MAPS = ("classifier.out_proj", "classifier", "qa_outputs")
_BOUNDS = (0.01, 100.0)
_STEPS = 50
_PRECISION = 1e-10


@dataclass(frozen=True)
class ScaledDecisions:
    """The decisions of base and slim model on a batch, in float64.

    Attributes:
        base: The base's log-probabilities, (decisions, classes).
        slim: The slim model's logits, of the same shape.
        weight: How much each decision counts, (decisions,): those of one sequence 1 together.
        held: Which of them only settle whether the scale is kept, (decisions,).
    """

    base: Tensor
    slim: Tensor
    weight: Tensor
    held: Tensor

    def part(self, mask: Tensor) -> ScaledDecisions:
        """Return some of the decisions, by a mask over all."""
        return ScaledDecisions(self.base[mask], self.slim[mask], self.weight[mask], self.held[mask])


@dataclass(frozen=True)
class _Sums:
    """Weighted sums over the decisions of all processes.

    Attributes:
        divergence: From the base to the scaled slim model.
        slope: Its first derivative by the scale.
        curvature: Its second.
        at_random: From the base to an answer at random.
    """

    divergence: float
    slope: float
    curvature: float
    at_random: float


def output_map(model: PreTrainedModel) -> nn.Linear | None:
    """Return the linear map that a classifier's logits come from, if the model is one."""
    modules = dict(model.named_modules())
    maps = (modules.get(name) for name in _OUTPUT_MAPS)
    return next((module for module in maps if isinstance(module, nn.Linear)), None)


def has_scale(checkpoint: Checkpoint) -> bool:
    """Whether the outputs are logits of classes that one map makes."""
    chooses = checkpoint.facts.head in _HEADS and not checkpoint.is_regression
    return chooses and output_map(checkpoint.model) is not None


def fit_head_scale(context: RepairContext) -> Repair:
    """Scale the slim model's head: min over a of sum w KL(base || softmax(a z)), which is convex.

    It is solved from some texts and kept if it does better than 1 on those held out; then it is
    solved from all. No layer runs.

    Args:
        context: The texts are above the last layers of both models, and the base has a head that
            `has_scale`; the map of the slim model's head is replaced.

    Returns:
        The divergence on texts held out with a scale of 1 and with the one from the other texts, as
        shares of that of an answer at random.

    Raises:
        ModelError: The outputs are not finite.
    """
    ranks = context.calibration.ranks
    decided = [_decide(context, batch) for batch in context.calibration.batches]
    fit = [batch.part(~batch.held) for batch in decided]
    held = [batch.part(batch.held) for batch in decided]
    before = _sums(held, 1.0, ranks)
    if not math.isfinite(_sums(decided, 1.0, ranks).divergence):
        raise not_finite(len(context.base.facts.layers) - 1)
    after, scale = _sums(held, best_scale(fit, ranks), ranks), 1.0
    if after.divergence < before.divergence:
        scale = best_scale(decided, ranks)
        _multiply(context.slim, scale)
    else:
        after = before
    share = 1 / (before.at_random or 1.0)
    return Repair(
        layer=None,
        part=PART,
        factor=scale,
        before=share * before.divergence,
        after=share * after.divergence,
    )


def _decide(context: RepairContext, calibration: CalibrationBatch) -> ScaledDecisions:
    """Read the decisions of both models from the hidden states above their last layers."""
    base, batch = context.base, calibration.batch.to("cpu")

    def read(model: PreTrainedModel, hidden: Tensor) -> Decisions:
        outputs = on_cpu(run_head(model, calibration.batch.inputs, hidden))
        return decisions(outputs, batch, base.facts.head, several=base.is_multi_label)

    of_base = read(base.model, calibration.states.base)
    of_slim = read(context.slim, calibration.states.slim)
    return ScaledDecisions(
        base=of_base.logits.double().log_softmax(dim=-1),
        slim=of_slim.logits.double(),
        weight=1 / of_base.owner.bincount()[of_base.owner].double(),
        held=calibration.held.any(dim=1).cpu()[of_base.owner],
    )


def _sums(decided: Sequence[ScaledDecisions], scale: float, ranks: Ranks) -> _Sums:
    """Sum the divergence from the base and its first two derivatives by the scale."""
    total = torch.zeros(4, dtype=torch.float64)
    for batch in decided:
        base = batch.base.exp()
        log_slim = (scale * batch.slim).log_softmax(dim=-1)
        slim = log_slim.exp()
        mean = (slim * batch.slim).sum(dim=-1)
        each = (
            (base * (batch.base - log_slim)).sum(dim=-1),
            mean - (base * batch.slim).sum(dim=-1),
            (slim * (batch.slim - mean.unsqueeze(-1)).square()).sum(dim=-1),
            (base * batch.base).sum(dim=-1) + math.log(batch.base.shape[-1]),
        )
        total += torch.stack([(batch.weight * values).sum() for values in each])
    return _Sums(*ranks.total(total).tolist())


def best_scale(decided: Sequence[ScaledDecisions], ranks: Ranks) -> float:
    """Return the scale of the least divergence, by Newton's steps to half or twice it at most.

    Args:
        decided: The decisions that fall to this process, batch by batch.
        ranks: The processes that share the texts.
    """
    scale = 1.0
    for _ in range(_STEPS):
        sums = _sums(decided, scale, ranks)
        step = sums.slope / sums.curvature if sums.curvature > 0 else 0.0
        new = min(max(scale - step, scale / 2, _BOUNDS[0]), scale * 2, _BOUNDS[1])
        if abs(new - scale) <= _PRECISION * scale:
            break
        scale = new
    return scale


def _multiply(model: PreTrainedModel, scale: float) -> None:
    linear = output_map(model)
    assert linear is not None  # noqa: S101
    affine = affine_of(linear)
    set_affine(Affine(affine.weight * scale, affine.bias * scale), linear)
