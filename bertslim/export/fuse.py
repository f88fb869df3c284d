"""Put ONNX Runtime's own nodes in the place of a model's blocks, before it is exported.

Patterns in a finished graph are missed as soon as an exporter writes them differently; blocks in a
model are where its family has them, also where FFN blocks are gone or heads are pruned.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedModel

from bertslim.export.first_token import puts_out_first_token
from bertslim.export.fused_modules import (
    FirstTokenAttention,
    FloatProduct,
    FusedAttention,
    Heads,
    Int8Embedding,
    PaddingMask,
    ProjectedAttention,
    SmoothableAttention,
    SmoothedLinear,
    scaled_inputs,
    scaled_outputs,
)
from bertslim.export.int8_plan import Int8Plan
from bertslim.export.outlier_neurons import set_apart
from bertslim.model.checkpoint import sharing_copy
from bertslim.model.families import AttentionLayout
from bertslim.model.layer import AttentionBlock, Layer, model_layers
from bertslim.model.linear_maps import packed
from bertslim.records import ModelFacts

FIRST_TOKEN_HEADS = ("SequenceClassification", "MultipleChoice", "NextSentencePrediction")


def fused(
    model: PreTrainedModel, facts: ModelFacts, int8: Int8Plan | None = None
) -> PreTrainedModel:
    """Return a model for the exporter alone.

    Where only the first token is read, by the head or since the model puts out no other, the last
    layer computes only that one.

    Args:
        model: Its weights are shared, and it is left as it is.
        facts: Its shape.
        int8: What stays in float32 when the graph is quantised; None: it is not quantised.
    """
    made = sharing_copy(model)
    mask = PaddingMask(made.base_model)
    biased = _share_position_bias(made)
    layers = model_layers(made)
    if int8 is not None:
        _smooth_contexts(layers, int8)
    attending = [
        number
        for number, layer in enumerate(layers)
        if layer.attention.is_present and layer.attention.layout.fuses
    ]
    if len(attending) < sum(layer.attention.is_present for layer in layers):
        made.set_attn_implementation("eager")  # which parity is judged by
    one_is_read = facts.head in FIRST_TOKEN_HEADS or puts_out_first_token(model)
    first_token = attending[-1:] if one_is_read else []
    for number in attending:
        attention = layers[number].attention
        if number in first_token:
            _fuse_first_token_attention(attention, mask)
            continue
        in_float = int8 is not None and number in int8.float_layers(attention.layout.modules[0])
        projected = int8 is not None and (biased or int8.static or in_float)
        _fuse_attention(attention, mask, projected=projected)
    if int8 is not None:
        _prepare_for_int8(made, layers, int8)
    return made


def _share_position_bias(model: PreTrainedModel) -> bool:
    """Compute it for one sequence instead of for each of a batch; return whether there is one."""
    encoder: Any = getattr(model.base_model, "encoder", None)
    if not hasattr(encoder, "compute_position_bias"):
        return False
    compute = encoder.compute_position_bias
    encoder.compute_position_bias = lambda hidden_states: compute(hidden_states[:1])
    return True


def _fuse_attention(attention: AttentionBlock, mask: PaddingMask, *, projected: bool) -> None:
    kind = ProjectedAttention if projected else FusedAttention
    made = kind(attention.inputs, _own_output(attention), _heads(attention, mask))
    attention.set_module(made)


def _fuse_first_token_attention(attention: AttentionBlock, mask: PaddingMask) -> None:
    query, key, value = attention.inputs
    made = FirstTokenAttention(
        query,
        packed(key, value),
        _own_output(attention),
        _heads(attention, mask),
        attention.layer,
        attention.read,
    )
    attention.set_module(made)


def _heads(attention: AttentionBlock, mask: PaddingMask) -> Heads:
    return Heads(attention.heads, attention.width, mask, attention.bias_heads)


def _own_output(attention: AttentionBlock) -> nn.Module:
    """Return the output map if the module that computes attention applies it itself."""
    return attention.output if _applies_output(attention.layout) else nn.Identity()


def _applies_output(layout: AttentionLayout) -> bool:
    return layout.output.startswith(f"{layout.modules[0]}.")


def _prepare_for_int8(model: PreTrainedModel, layers: Sequence[Layer], plan: Int8Plan) -> None:
    words: Any = model.get_input_embeddings()
    model.set_input_embeddings(Int8Embedding(words))
    for number, neurons in plan.outlier_neurons.items():
        shared = layers[number].ffn
        if number not in plan.float_layers(shared.layout.output):
            users = [layer.ffn for layer in layers if shared.output in layer.module.modules()]
            set_apart(users, neurons)
    for kept in plan.float_maps:
        layer = layers[kept.layer]
        _leave_in_float(layer.module, _name_when_fused(kept.name, layer.attention.layout))
    for smoothed, scale in plan.smoothing.items():
        layer = layers[smoothed.layer]
        if smoothed not in plan.float_maps and not _scales_values(smoothed.name, layer):
            _smooth(layer.module, smoothed.name, scale)


def _name_when_fused(name: str, layout: AttentionLayout) -> str:
    moved = name == layout.output and _applies_output(layout)
    return f"{layout.modules[0]}.out" if moved else name


def _leave_in_float(layer: nn.Module, name: str) -> None:
    for map_name in _maps(layer, name):
        layer.set_submodule(map_name, FloatProduct(_linear(layer, map_name)))


def _smooth_contexts(layers: Sequence[Layer], plan: Int8Plan) -> None:
    """Smooth the inputs of output maps of attention: values are divided, so that no node is needed.

    A head's context is a mean of values, channel by channel.
    """
    for smoothed, scale in plan.smoothing.items():
        attention = layers[smoothed.layer].attention
        layout, layer = attention.layout, attention.layer
        by_values = _scales_values(smoothed.name, layers[smoothed.layer])
        if by_values and smoothed not in plan.float_maps:
            value = attention.inputs[2]
            layer.set_submodule(layout.inputs[2], scaled_outputs(value, 1 / scale))
            layer.set_submodule(layout.output, scaled_inputs(attention.output, scale))


def _scales_values(name: str, layer: Layer) -> bool:
    """Whether a map is smoothed by way of the values: the output map, if values have their own."""
    layout = layer.attention.layout
    return name == layout.output and len(layout.inputs) > 1


def _smooth(layer: nn.Module, name: str, scale: Tensor) -> None:
    attention = layer.get_submodule(name)
    if isinstance(attention, SmoothableAttention):
        attention.smooth(scale)
        return
    for map_name in _maps(layer, name):
        layer.set_submodule(map_name, SmoothedLinear(_linear(layer, map_name), scale))


def _maps(layer: nn.Module, name: str) -> list[str]:
    """Return the names of the maps that a quantiser would find in a map's place."""
    module: Any = layer.get_submodule(name)
    if isinstance(module, nn.Linear):
        return [name]
    return [f"{name}.{map_name}" for map_name in module.maps]


def _linear(layer: nn.Module, name: str) -> nn.Linear:
    linear = layer.get_submodule(name)
    assert isinstance(linear, nn.Linear)  # noqa: S101
    return linear
