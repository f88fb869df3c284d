"""Put ONNX Runtime's own nodes in the place of a model's blocks, before it is exported.

Patterns in a finished graph are missed as soon as an exporter writes them differently; blocks in a
model are where its family says they are, also where FFN blocks are gone or heads are pruned.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedModel

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
    packed,
    scaled_inputs,
    scaled_outputs,
)
from bertslim.export.int8_plan import Int8Plan
from bertslim.export.outlier_neurons import set_apart
from bertslim.model.checkpoint import sharing_copy
from bertslim.model.families import FAMILIES, Family
from bertslim.model.slim_modeling import NoAttention, layers_of
from bertslim.records import ModelFacts

FIRST_TOKEN_HEADS = ("SequenceClassification", "MultipleChoice", "NextSentencePrediction")


def fused(
    model: PreTrainedModel, facts: ModelFacts, int8: Int8Plan | None = None
) -> PreTrainedModel:
    """Return a model for the exporter alone.

    Where the head reads nothing but the first token, the last layer computes nothing else.

    Args:
        model: Its weights are shared, and it is left as it is.
        facts: Its shape.
        int8: What stays in float32 when the graph is quantised; None: it is not quantised.
    """
    family = FAMILIES[facts.model_type]
    made = sharing_copy(model)
    mask = PaddingMask(made.base_model)
    biased = _share_position_bias(made)
    layers = layers_of(made, family)
    if int8 is not None:
        _smooth_contexts(layers, family, int8)
    attending = [one for one in layers if not _lacks_attention(one, family)]
    asks_once = attending[-1:] if facts.head in FIRST_TOKEN_HEADS else []
    in_float = int8.float_layers(family.layout.attention[0]) if int8 else set()
    for number, layer in enumerate(layers):
        if layer in asks_once:
            _fuse_first_token_attention(layer, family, mask)
        elif layer in attending:
            projected = int8 is not None and (biased or int8.static or number in in_float)
            _fuse_attention(layer, family, mask, projected=projected)
    if int8 is not None:
        _prepare_for_int8(made, family, int8)
    return made


def _share_position_bias(model: PreTrainedModel) -> bool:
    """Compute it for one sequence instead of for each of a batch; return whether there is one."""
    encoder: Any = getattr(model.base_model, "encoder", None)
    if not hasattr(encoder, "compute_position_bias"):
        return False
    compute = encoder.compute_position_bias
    encoder.compute_position_bias = lambda hidden_states: compute(hidden_states[:1])
    return True


def _lacks_attention(layer: nn.Module, family: Family) -> bool:
    return isinstance(layer.get_submodule(family.layout.attention[0]), NoAttention)


def _fuse_attention(
    layer: nn.Module, family: Family, mask: PaddingMask, *, projected: bool
) -> None:
    projections = [_linear(layer, name) for name in family.layout.attention_in]
    kind = ProjectedAttention if projected else FusedAttention
    made = kind(projections, _out(layer, family), _heads(layer, family, mask))
    layer.set_submodule(family.layout.attention[0], made)


def _fuse_first_token_attention(layer: nn.Module, family: Family, mask: PaddingMask) -> None:
    query, key, value = (_linear(layer, name) for name in family.layout.attention_in)
    made = FirstTokenAttention(
        query, packed(key, value), _out(layer, family), _heads(layer, family, mask), layer
    )
    layer.set_submodule(family.layout.attention[0], made)


def _heads(layer: nn.Module, family: Family, mask: PaddingMask) -> Heads:
    attention: Any = layer.get_submodule(family.layout.attention[0])
    width = _linear(layer, family.layout.attention_in[0]).out_features
    return Heads(width // attention.attention_head_size, width, mask)


def _out(layer: nn.Module, family: Family) -> nn.Module:
    """Return the output map if the module that attends applies it itself."""
    inside = family.layout.attention_out.startswith(f"{family.layout.attention[0]}.")
    return _linear(layer, family.layout.attention_out) if inside else nn.Identity()


def _prepare_for_int8(model: PreTrainedModel, family: Family, plan: Int8Plan) -> None:
    embeddings: Any = model.base_model.get_submodule("embeddings")
    embeddings.word_embeddings = Int8Embedding(embeddings.word_embeddings)
    layers = layers_of(model, family)
    in_float = plan.float_layers(family.layout.ffn_out)
    for number, neurons in plan.outlier_neurons.items():
        shared = layers[number].get_submodule(family.layout.ffn_out)
        if number not in in_float:
            set_apart([layer for layer in layers if shared in layer.modules()], family, neurons)
    for one in plan.float_maps:
        _leave_in_float(layers[one.layer], _name_when_fused(one.name, family))
    for one, scale in plan.smoothing.items():
        if one not in plan.float_maps and one.name != family.layout.attention_out:
            _smooth(layers[one.layer], one.name, scale)


def _name_when_fused(name: str, family: Family) -> str:
    attends, out = family.layout.attention[0], family.layout.attention_out
    return f"{attends}.out" if name == out and out.startswith(f"{attends}.") else name


def _leave_in_float(layer: nn.Module, name: str) -> None:
    for one in _maps(layer, name):
        layer.set_submodule(one, FloatProduct(_linear(layer, one)))


def _smooth_contexts(layers: nn.ModuleList, family: Family, plan: Int8Plan) -> None:
    """Smooth what output maps of attention read: the values are divided, so that no node is needed.

    A head's context is a mean of values, channel by channel.
    """
    value, out = family.layout.attention_in[2], family.layout.attention_out
    for one, scale in plan.smoothing.items():
        if one.name == out and one not in plan.float_maps:
            layer = layers[one.layer]
            layer.set_submodule(value, scaled_outputs(_linear(layer, value), 1 / scale))
            layer.set_submodule(out, scaled_inputs(_linear(layer, out), scale))


def _smooth(layer: nn.Module, name: str, scale: Tensor) -> None:
    attention = layer.get_submodule(name)
    if isinstance(attention, SmoothableAttention):
        attention.smooth(scale)
        return
    for one in _maps(layer, name):
        layer.set_submodule(one, SmoothedLinear(_linear(layer, one), scale))


def _maps(layer: nn.Module, name: str) -> list[str]:
    """Return the names of the maps that a quantiser would find in a map's place."""
    module: Any = layer.get_submodule(name)
    return [name] if isinstance(module, nn.Linear) else [f"{name}.{one}" for one in module.maps]


def _linear(layer: nn.Module, name: str) -> nn.Linear:
    found = layer.get_submodule(name)
    assert isinstance(found, nn.Linear)  # noqa: S101
    return found
