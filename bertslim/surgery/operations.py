"""The cut: each operation of a recipe as a function of that name, in place on the live model.

An operation gets the layers by their number in the base, the number to work on, its parameters
and the family. Nothing is masked: what is cut is gone. Works on meta tensors as well, except where
neurons are chosen by their weights.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from bertslim.model.families import FAMILIES, Family
from bertslim.model.slim_modeling import (
    layers_of,
    remove_attention,
    remove_ffn,
    remove_norm,
)
from bertslim.recipe import DropAttention, DropFfn, DropLayer, Recipe, ResizeFfn, ScaleFfn
from bertslim.records import Plan
from bertslim.surgery.importance import CRITERIA, keep_best

Layers = dict[int, nn.Module]


def drop_ffn(layers: Layers, number: int, operation: DropFfn, family: Family) -> None:
    """Delete the FFN block; the residual stays, and the LayerNorm unless told otherwise."""
    remove_ffn(layers[number], family)
    if operation.layer_norm == "remove":
        remove_norm(layers[number], family.layout.ffn_norm)


def drop_attention(layers: Layers, number: int, operation: DropAttention, family: Family) -> None:
    """Delete the attention block; the residual stays, and the LayerNorm unless told otherwise."""
    remove_attention(layers[number], family)
    if operation.layer_norm == "remove":
        remove_norm(layers[number], family.layout.attention_norm)


def drop_layer(layers: Layers, number: int, operation: DropLayer, family: Family) -> None:
    """Delete the whole layer."""
    del layers[number]


def resize_ffn(layers: Layers, number: int, operation: ResizeFfn, family: Family) -> None:
    """Keep the neurons that score best, delete the others."""
    ffn_in, ffn_out = _ffn(layers[number], family)
    neurons = operation.neurons(ffn_in.out_features)
    keep = keep_best(CRITERIA[operation.criterion](ffn_in, ffn_out), neurons)
    layers[number].set_submodule(family.layout.ffn_in, _narrow_linear(ffn_in, outputs=keep))
    layers[number].set_submodule(family.layout.ffn_out, _narrow_linear(ffn_out, inputs=keep))


def scale_ffn(layers: Layers, number: int, operation: ScaleFfn, family: Family) -> None:
    """Multiply the output of the FFN block, folded into its second linear map."""
    _, ffn_out = _ffn(layers[number], family)
    for parameter in ffn_out.parameters():
        parameter.mul_(operation.gain)


OPERATIONS: dict[str, Callable[[Layers, int, Any, Family], None]] = {
    function.__name__: function
    for function in (drop_ffn, resize_ffn, scale_ffn, drop_attention, drop_layer)
}


@torch.no_grad()
def operate(model: PreTrainedModel, recipe: Recipe, plan: Plan) -> None:
    """Carry out the surgery of a recipe on the model, in place, in the recipe's order."""
    family = FAMILIES[model.config.model_type.removeprefix("slim_")]
    stack = layers_of(model, family)
    layers: Layers = dict(enumerate(stack))
    for operation, step in zip(recipe.surgery, plan.steps, strict=True):
        for number in step.layers:
            OPERATIONS[step.op](layers, number, operation, family)
    model.base_model.set_submodule(family.layers, nn.ModuleList(layers.values()))


def _ffn(layer: nn.Module, family: Family) -> tuple[nn.Linear, nn.Linear]:
    ffn_in = layer.get_submodule(family.layout.ffn_in)
    ffn_out = layer.get_submodule(family.layout.ffn_out)
    return cast(nn.Linear, ffn_in), cast(nn.Linear, ffn_out)


def _narrow_linear(
    linear: nn.Linear, *, inputs: Tensor | None = None, outputs: Tensor | None = None
) -> nn.Linear:
    """Return a smaller linear map that keeps only the given inputs or outputs.

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
    narrow = nn.Linear(weight.shape[1], weight.shape[0], device="meta")
    narrow.weight, narrow.bias = nn.Parameter(weight), nn.Parameter(bias)
    return narrow
