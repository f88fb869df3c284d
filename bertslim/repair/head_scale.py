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
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from bertslim.data.outputs import decisions, is_multi_label, is_regression
from bertslim.data.task import Batch
from bertslim.model.families import Family
from bertslim.model.layer import run_head
from bertslim.ranks import Ranks
from bertslim.records import ModelFacts, Repair
from bertslim.repair.affine_maps import affine_of, set_affine
from bertslim.repair.calibration import CalibrationBatch
from bertslim.repair.ridge import Affine
from bertslim.surgery.finite import not_finite

PART = "head scale"
_HEADS = ("SequenceClassification", "TokenClassification", "QuestionAnswering")
_OUTPUT_MAPS = ("classifier.out_proj", "classifier", "qa_outputs")
_BOUNDS = (0.01, 100.0)
_STEPS = 50
_PRECISION = 1e-10


@dataclass(frozen=True)
class Choices:
    """What base and slim model chose between, in float64.

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

    def part(self, wanted: Tensor) -> Choices:
        """Return some of the decisions, by a mask over all."""
        return Choices(*(one[wanted] for one in (self.base, self.slim, self.weight, self.held)))


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
    found = (modules.get(name) for name in _OUTPUT_MAPS)
    return next((one for one in found if isinstance(one, nn.Linear)), None)


def has_scale(model: PreTrainedModel, facts: ModelFacts) -> bool:
    """Whether the outputs are logits of classes that one map makes."""
    chooses = facts.head in _HEADS and not is_regression(model, facts)
    return chooses and output_map(model) is not None


def fit_head_scale(
    base: PreTrainedModel,
    slim: PreTrainedModel,
    family: Family,
    batches: Sequence[Batch],
    texts: Sequence[CalibrationBatch],
    facts: ModelFacts,
    ranks: Ranks,
) -> Repair:
    """Scale the slim model's head: min over a of sum w KL(base || softmax(a z)), which is convex.

    It is solved from some texts and kept if it does better than 1 on those held out; then it is
    solved from all. No layer runs.

    Args:
        base: The base, with a head that `has_scale`.
        slim: The slim model; its head's map is replaced.
        family: Their family.
        batches: The texts that fall to this process.
        texts: The same, with the hidden states of both models behind their last layers.
        facts: The shape of the base.
        ranks: The processes that share the texts.

    Returns:
        The divergence on texts held out with a scale of 1 and with the one from the other texts, as
        shares of that of an answer at random.

    Raises:
        ModelError: The outputs are not finite.
    """
    choices = [
        _choices(base, slim, family, batch, text, facts)
        for batch, text in zip(batches, texts, strict=True)
    ]
    fit = [one.part(~one.held) for one in choices]
    held = [one.part(one.held) for one in choices]
    before = _sums(held, 1.0, ranks)
    if not math.isfinite(_sums(choices, 1.0, ranks).divergence):
        raise not_finite(len(facts.layers) - 1)
    after, scale = _sums(held, best_scale(fit, ranks), ranks), 1.0
    if after.divergence < before.divergence:
        scale = best_scale(choices, ranks)
        _multiply(slim, scale)
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


def _choices(
    base: PreTrainedModel,
    slim: PreTrainedModel,
    family: Family,
    batch: Batch,
    text: CalibrationBatch,
    facts: ModelFacts,
) -> Choices:
    def said(model: PreTrainedModel, hidden: Tensor) -> Any:
        outputs = run_head(model, family, batch.inputs, hidden)
        return decisions(outputs, batch, facts.head, several=is_multi_label(base))

    of_base, of_slim = said(base, text.base), said(slim, text.slim)
    return Choices(
        base=of_base.logits.double().log_softmax(dim=-1),
        slim=of_slim.logits.double(),
        weight=1 / of_base.owner.bincount()[of_base.owner].double(),
        held=text.held.any(dim=1)[of_base.owner],
    )


def _sums(choices: Sequence[Choices], scale: float, ranks: Ranks) -> _Sums:
    """Sum the divergence from the base and its first two derivatives by the scale."""
    total = torch.zeros(4, dtype=torch.float64)
    for one in choices:
        wanted = one.base.exp()
        logs = (scale * one.slim).log_softmax(dim=-1)
        said = logs.exp()
        mean = (said * one.slim).sum(dim=-1)
        each = (
            (wanted * (one.base - logs)).sum(dim=-1),
            mean - (wanted * one.slim).sum(dim=-1),
            (said * (one.slim - mean.unsqueeze(-1)).square()).sum(dim=-1),
            (wanted * one.base).sum(dim=-1) + math.log(one.base.shape[-1]),
        )
        total += torch.stack([(one.weight * values).sum() for values in each])
    return _Sums(*ranks.total(total).tolist())


def best_scale(choices: Sequence[Choices], ranks: Ranks) -> float:
    """Return the scale of the least divergence, by Newton's steps to half or twice it at most.

    Args:
        choices: What this process has.
        ranks: The processes that share the texts.
    """
    scale = 1.0
    for _ in range(_STEPS):
        found = _sums(choices, scale, ranks)
        step = found.slope / found.curvature if found.curvature > 0 else 0.0
        new = min(max(scale - step, scale / 2, _BOUNDS[0]), scale * 2, _BOUNDS[1])
        if abs(new - scale) <= _PRECISION * scale:
            break
        scale = new
    return scale


def _multiply(model: PreTrainedModel, scale: float) -> None:
    linear = output_map(model)
    assert linear is not None  # noqa: S101
    found = affine_of(linear)
    set_affine(Affine(found.weight * scale, found.bias * scale), linear)
