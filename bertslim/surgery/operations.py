"""The cut: each operation of a recipe as a function of that name, in place on the live model.

An operation gets the model under surgery, the number of the layer to work on and its parameters.
Nothing is masked: what is cut is gone. Works on meta tensors as well, except where neurons are
chosen by their weights. What is solved from data, such as a fill, says zero until it is solved.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from bertslim.model import slim_modeling
from bertslim.model.families import FAMILIES, Family
from bertslim.model.slim_modeling import (
    add_bypass,
    ffn_of,
    fill_ffn,
    layers_of,
    linear_of,
    remove_attention,
    remove_ffn,
    remove_norm,
)
from bertslim.recipe import (
    DropAttention,
    DropFfn,
    DropLayer,
    PruneHeads,
    Recipe,
    ResizeFfn,
    ScaleFfn,
    ShareFfn,
)
from bertslim.records import Plan
from bertslim.surgery import attention_heads
from bertslim.surgery.importance import CRITERIA, keep_best


@dataclass(frozen=True)
class Stage:
    """A model under one step of a recipe.

    Attributes:
        layers: The layers that are left, by their number in the base.
        selected: The numbers of those that the step is about, ascending.
        family: The model's family.
    """

    layers: dict[int, nn.Module]
    selected: tuple[int, ...]
    family: Family


def drop_ffn(stage: Stage, number: int, operation: DropFfn) -> None:
    """Delete the FFN block; the residual stays, and the LayerNorm unless told otherwise."""
    layer, family = stage.layers[number], stage.family
    ffn_in, _ = ffn_of(layer, family)
    if rank := operation.linear_rank(ffn_in.in_features):
        fill_ffn(layer, family, rank)
    else:
        remove_ffn(layer, family)
    if operation.layer_norm == "remove":
        remove_norm(layer, family.layout.ffn_norm)


def drop_attention(stage: Stage, number: int, operation: DropAttention) -> None:
    """Delete the attention block; the residual stays, and the LayerNorm unless told otherwise."""
    layer, family = stage.layers[number], stage.family
    remove_attention(layer, family)
    if operation.layer_norm == "remove":
        remove_norm(layer, family.layout.attention_norm)


def prune_heads(stage: Stage, number: int, operation: PruneHeads) -> None:
    """Keep the attention heads that score best, delete the others."""
    attention_heads.prune_heads(stage.layers[number], stage.family, operation.kept)


def drop_layer(stage: Stage, number: int, operation: DropLayer) -> None:
    """Delete the whole layer."""
    del stage.layers[number]


def resize_ffn(stage: Stage, number: int, operation: ResizeFfn) -> None:
    """Keep the neurons that score best, delete the others."""
    layer, family = stage.layers[number], stage.family
    ffn_in, ffn_out = ffn_of(layer, family)
    neurons = operation.neurons(ffn_in.out_features)
    keep = keep_best(CRITERIA[operation.criterion](ffn_in, ffn_out), neurons)
    narrow_ffn(layer, family, keep)
    if rank := operation.linear_rank(ffn_in.in_features):
        add_bypass(layer, family, rank)


def narrow_ffn(layer: nn.Module, family: Family, keep: Tensor) -> None:
    """Delete all neurons of an FFN block but some; a bypass stays.

    Args:
        layer: A layer with an FFN block.
        family: Its family.
        keep: Indices of the neurons that stay, in their new order.
    """
    ffn_in, ffn_out = ffn_of(layer, family)
    layer.set_submodule(family.layout.ffn_in, _narrow_linear(ffn_in, outputs=keep))
    layer.set_submodule(family.layout.ffn_out, _narrow_linear(ffn_out, inputs=keep))


def scale_ffn(stage: Stage, number: int, operation: ScaleFfn) -> None:
    """Multiply the output of the FFN block, folded into the weights that it comes from.

    A gain that is to be fitted changes nothing yet.
    """
    if not isinstance(operation.gain, str):
        multiply_ffn(stage.layers[number], stage.family, operation.gain)


def multiply_ffn(layer: nn.Module, family: Family, gain: float) -> None:
    """Multiply the output of the FFN block of a layer, bypass and all, by a number."""
    _, ffn_out = ffn_of(layer, family)
    ffn_out.weight.mul_(gain)
    ffn_out.bias.mul_(gain)
    match linear_of(layer, family):
        case nn.Linear() as bypass:
            bypass.weight.mul_(gain)
        case nn.Sequential() as factors:
            next(factors[-1].parameters()).mul_(gain)


def share_ffn(stage: Stage, number: int, operation: ShareFfn) -> None:
    """Use the FFN block of the lowest of the layers instead of the own one."""
    giver = stage.layers[stage.selected[0]]
    slim_modeling.share_ffn(giver, stage.layers[number], stage.family)


OPERATIONS: dict[str, Callable[[Stage, int, Any], None]] = {
    function.__name__: function
    for function in (
        *(drop_ffn, resize_ffn, scale_ffn, share_ffn),
        *(prune_heads, drop_attention, drop_layer),
    )
}


@torch.no_grad()
def operate(model: PreTrainedModel, recipe: Recipe, plan: Plan) -> None:
    """Carry out the surgery of a recipe on the layers of the model, in place, in its order.

    Raises:
        ValueError: The plan was made before it was known which tokens stay.
    """
    if plan.vocabulary is not None and plan.vocabulary.after is None:
        raise ValueError("make the plan again when the vocabulary is known")
    family = FAMILIES[model.config.model_type.removeprefix("slim_")]
    layers: dict[int, nn.Module] = dict(enumerate(layers_of(model, family)))
    for operation, step in zip(recipe.surgery, plan.steps, strict=True):
        stage = Stage(layers, step.layers, family)
        for number in step.layers:
            OPERATIONS[step.op](stage, number, operation)
    model.base_model.set_submodule(family.layers, nn.ModuleList(layers.values()))


def _narrow_linear(
    linear: nn.Linear, *, inputs: Tensor | None = None, outputs: Tensor | None = None
) -> nn.Linear:
    """Return a smaller linear map of the same class that keeps only some inputs or outputs.

    Args:
        linear: The map to take from; it is left as it is.
        inputs: Indices of the inputs to keep, or None for all.
        outputs: Indices of the outputs to keep, or None for all.
    """
    weight: Tensor = linear.weight
    bias: Tensor = linear.bias
    if outputs is not None:
        weight, bias = weight[outputs], bias[outputs]
    if inputs is not None:
        weight = weight[:, inputs]
    narrow = type(linear)(weight.shape[1], weight.shape[0], device="meta")
    narrow.weight, narrow.bias = nn.Parameter(weight), nn.Parameter(bias)
    for name, child in linear.named_children():
        narrow.add_module(name, child)
    return narrow
