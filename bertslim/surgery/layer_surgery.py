"""The cut: each operation of a recipe as a function of that name, in place on the live model.

An operation gets the model under surgery, the number of the layer to work on and its parameters.
Nothing is masked: what is cut is gone. Works on meta tensors as well, except where neurons are
chosen by their weights. What is solved from data, such as a fill, is zero until it is solved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from bertslim.model.layer import FfnBlock, Layer, model_layers, set_layers
from bertslim.model.linear_maps import narrowed
from bertslim.recipe.operations import (
    DropAttention,
    DropFfn,
    DropLayer,
    PruneHeads,
    ResizeFfn,
    ScaleFfn,
    ShareFfn,
)
from bertslim.recipe.plan import CutPlan
from bertslim.records import Block
from bertslim.surgery import attention_heads
from bertslim.surgery.criteria import Ranking
from bertslim.surgery.importance import keep_best, magnitude


@dataclass(frozen=True)
class Stage:
    """A model under one step of a recipe.

    Attributes:
        layers: The layers that are left, by their number in the base.
        selected: The numbers of those that the step is about, ascending.
        scores: What was measured on data: scores of the base's neurons and heads.
        kept: The numbers in the base of the neurons or heads that are left, by the name of the
            narrowed block and its layer.
    """

    layers: dict[int, Layer]
    selected: tuple[int, ...]
    scores: Mapping[Ranking, Tensor] = field(default_factory=dict)
    kept: dict[tuple[Block, int], Tensor] = field(default_factory=dict)

    def scores_of(self, ranking: Ranking) -> Tensor:
        """Return a score for each neuron or head that is left, by its number in the base.

        Raises:
            ValueError: The scores were not measured.
        """
        block, number = ranking.block, ranking.layer
        if ranking.criterion == "magnitude":
            return _magnitudes(self.layers[number], block)
        if ranking not in self.scores:
            by = ranking.criterion
            raise ValueError(f"no scores by {by} for layer {number}; survey the base first")
        scores = self.scores[ranking]
        return scores[self.kept[block, number]] if (block, number) in self.kept else scores

    def choose(self, ranking: Ranking, count: int) -> Tensor:
        """Return which of the neurons or heads that are left stay, the best; note them as kept."""
        place = ranking.block, ranking.layer
        best = keep_best(self.scores_of(ranking).cpu(), count)
        self.kept[place] = self.kept[place][best] if place in self.kept else best
        return best


def _magnitudes(layer: Layer, block: Block) -> Tensor:
    if block == "attention":
        return attention_heads.magnitude(layer.attention)
    return magnitude(layer.ffn.inputs, layer.ffn.output)


OPERATIONS: dict[str, Callable[[Stage, int, Any], None]] = {}
"""The function that carries out each operation, by its name; `@registered` adds one."""

_Function = TypeVar("_Function", bound=Callable[[Stage, int, Any], None])


def registered(function: _Function) -> _Function:
    """Add a function to `OPERATIONS`, by its own name."""
    OPERATIONS[function.__name__] = function
    return function


@registered
def drop_ffn(stage: Stage, number: int, operation: DropFfn) -> None:
    """Delete the FFN block; the residual stays, and the LayerNorm unless the recipe removes it.

    Where attention makes up for the block, its output goes straight to that LayerNorm: the one
    between the two would only undo part of what attention is solved for. A norm before the block
    goes with it.
    """
    layer = stage.layers[number]
    rank = operation.linear_rank(layer.ffn.input.in_features)
    if rank:
        layer.ffn.fill(rank)
    else:
        layer.ffn.remove()
    norm_is_before = layer.ffn.layout.norm_before is not None
    if operation.fill == "attention" and not norm_is_before:
        layer.attention.remove_norm()
    if operation.layer_norm == "remove" or (norm_is_before and not rank):
        layer.ffn.remove_norm()


@registered
def drop_attention(stage: Stage, number: int, operation: DropAttention) -> None:
    """Delete the attention block; the residual and, unless removed, its LayerNorm stay."""
    attention = stage.layers[number].attention
    attention.remove()
    if operation.layer_norm == "remove" or attention.layout.norm_before is not None:
        attention.remove_norm()


@registered
def prune_heads(stage: Stage, number: int, operation: PruneHeads) -> None:
    """Keep the attention heads that score best, delete the others."""
    attention = stage.layers[number].attention
    heads = operation.kept(attention.heads)
    if heads < attention.heads:
        assert operation.criterion is not None  # noqa: S101 (the plan settles it)
        keep = stage.choose(Ranking(operation.criterion, "attention", number), heads)
        attention_heads.prune_heads(attention, keep)


@registered
def drop_layer(stage: Stage, number: int, operation: DropLayer) -> None:
    """Delete the whole layer."""
    del stage.layers[number]


@registered
def resize_ffn(stage: Stage, number: int, operation: ResizeFfn) -> None:
    """Keep the neurons that score best, delete the others."""
    ffn = stage.layers[number].ffn
    neurons = operation.kept(ffn.intermediate_size)
    if neurons < ffn.intermediate_size:
        keep = stage.choose(Ranking(operation.criterion, "ffn", number), neurons)
        narrow_ffn(ffn, keep)
    if rank := operation.linear_rank(ffn.input.in_features):
        ffn.add_bypass(rank)


def narrow_ffn(ffn: FfnBlock, keep: Tensor) -> None:
    """Delete all neurons of an FFN block but some; a bypass stays.

    Args:
        ffn: The block.
        keep: Indices of the neurons that stay, in their new order.
    """
    rows = ffn.rows_of(keep)
    inputs = [narrowed(linear, outputs=rows) for linear in ffn.inputs]
    ffn.set_maps(inputs, narrowed(ffn.output, inputs=keep))


@registered
def scale_ffn(stage: Stage, number: int, operation: ScaleFfn) -> None:
    """Multiply the output of the FFN block, folded into the weights that it comes from.

    A gain that is to be fitted changes nothing yet.
    """
    if not isinstance(operation.gain, str):
        multiply_ffn(stage.layers[number].ffn, operation.gain)


def multiply_ffn(ffn: FfnBlock, gain: float) -> None:
    """Multiply the output of an FFN block, bypass and all, by a number.

    The parameters are new ones: the old may be those of another model as well.
    """
    _multiply(ffn.output, gain)
    match ffn.linear_map:
        case nn.Linear() as bypass:
            _multiply(bypass, gain)
        case nn.Sequential() as factors:
            _multiply(factors[-1], gain)


def _multiply(linear: nn.Module, gain: float) -> None:
    for name, parameter in list(linear.named_parameters(recurse=False)):
        setattr(linear, name, nn.Parameter(parameter.detach() * gain))


@registered
def share_ffn(stage: Stage, number: int, operation: ShareFfn) -> None:
    """Use the FFN block of the lowest of the layers instead of the own one."""
    giver = stage.layers[stage.selected[0]]
    stage.layers[number].ffn.share_from(giver.ffn)


@torch.no_grad()
def operate(
    model: PreTrainedModel,
    plan: CutPlan,
    scores: Mapping[Ranking, Tensor] | None = None,
) -> None:
    """Carry out the surgery of a recipe on the layers of the model, in place, in its order.

    Args:
        model: The base; parameters are replaced, none is changed.
        plan: The recipe, worked out for this model.
        scores: Those of the base's neurons and heads that `survey` measured.

    Raises:
        ValueError: The plan was made before it was known which tokens stay, or scores are missing.
    """
    vocabulary = plan.record.vocabulary
    if vocabulary is not None and vocabulary.after is None:
        raise ValueError("make the plan again when the vocabulary is known")
    layers = dict(enumerate(model_layers(model)))
    kept: dict[tuple[Block, int], Tensor] = {}
    for step in plan.steps:
        stage = Stage(layers, step.layers, scores or {}, kept)
        for number in step.layers:
            OPERATIONS[step.operation.op](stage, number, step.operation)
    set_layers(model, list(layers.values()))
