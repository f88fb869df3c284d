"""Transformers models whose layers differ: an FFN or attention block gone, or an FFN narrowed.

A slim class is the stock class of transformers with some submodules swapped after construction;
no `forward` is copied. Which layer lacks what stands in the configuration's `per_layer_config`:

    "3": {"skip": ["ffn"], "intermediate_size": 0}              the FFN block is gone
    "3": {"intermediate_size": 384}                             it has 384 neurons
    "3": {"skip": ["attention"], "num_attention_heads": 0}      the attention block is gone

`"ffn_norm"` and `"attention_norm"` in `skip` take the LayerNorm behind the block away too. A
skipped block also says that its size is 0, so that a stock class, which knows nothing of `skip`,
refuses the configuration instead of filling the block with random weights.

Needs torch and transformers only: this file and families.py are copied beside the weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import transformers
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel

from .families import FAMILIES, SKIPPABLE, SLIM_PREFIX, Family

TRANSFORMERS_TESTED = ("5.14.0", "5.23.0")

if not hasattr(PreTrainedConfig, "per_layer_config"):
    raise ImportError(
        f"a slim model needs transformers >= {TRANSFORMERS_TESTED[0]} for per_layer_config; "
        f"this is {transformers.__version__}"
    )


class NoFFN(nn.Module):
    """Stands where an FFN block stood: its contribution to the residual stream is zero."""

    def forward(self, hidden_states: Tensor) -> Tensor:
        """Return the number zero."""
        return hidden_states.new_zeros(())


class NoAttention(nn.Module):
    """Stands where an attention block stood: no contribution, no attention weights."""

    def forward(self, hidden_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, None]:
        """Return the number zero, and None for the attention weights."""
        return hidden_states.new_zeros(()), None


def layers_of(model: PreTrainedModel, family: Family) -> nn.ModuleList:
    """Return the transformer layers of a model, with or without a head."""
    layers = model.base_model.get_submodule(family.layers)
    assert isinstance(layers, nn.ModuleList)  # noqa: S101
    return layers


def remove_ffn(layer: nn.Module, family: Family) -> None:
    """Take the FFN block out of a layer; the residual and its LayerNorm stay."""
    _replace_block(layer, family.layout.ffn, NoFFN())


def remove_attention(layer: nn.Module, family: Family) -> None:
    """Take the attention block out of a layer; the residual and its LayerNorm stay."""
    _replace_block(layer, family.layout.attention, NoAttention())


def remove_norm(layer: nn.Module, name: str) -> None:
    """Take a LayerNorm out of a layer."""
    layer.set_submodule(name, nn.Identity())


def _replace_block(layer: nn.Module, modules: tuple[str, ...], nothing: nn.Module) -> None:
    computes, *rest = modules
    layer.set_submodule(computes, nothing)
    for name in rest:
        layer.set_submodule(name, nn.Identity())


def _resize_ffn(layer: nn.Module, family: Family, intermediate_size: int) -> None:
    ffn_in: Any = layer.get_submodule(family.layout.ffn_in)
    ffn_out: Any = layer.get_submodule(family.layout.ffn_out)
    for name, inputs, outputs in (
        (family.layout.ffn_in, ffn_in.in_features, intermediate_size),
        (family.layout.ffn_out, intermediate_size, ffn_out.out_features),
    ):
        layer.set_submodule(name, nn.Linear(inputs, outputs, dtype=ffn_in.weight.dtype))


def _shape_layer(layer: nn.Module, config: PreTrainedConfig, family: Family) -> None:
    skip = set(getattr(config, "skip", ()))
    if unknown := skip.difference(SKIPPABLE):
        raise ValueError(f"per_layer_config: cannot skip {', '.join(sorted(unknown))}")
    if "attention" in skip:
        remove_attention(layer, family)
    if "attention_norm" in skip:
        remove_norm(layer, family.layout.attention_norm)
    if "ffn" in skip:
        remove_ffn(layer, family)
    else:
        _resize_ffn(layer, family, getattr(config, family.keys.intermediate_size))
    if "ffn_norm" in skip:
        remove_norm(layer, family.layout.ffn_norm)


if TYPE_CHECKING:
    _Stock = PreTrainedModel
else:
    _Stock = object


class _SlimModel(_Stock):
    """Mixed in before a stock class: builds that, then swaps the submodules that differ."""

    def __init__(self, config: PreTrainedConfig, *args: Any, **kwargs: Any) -> None:
        overrides = config.to_dict().get("per_layer_config")
        config.per_layer_config = None
        try:
            super().__init__(config, *args, **kwargs)
        finally:
            config.per_layer_config = overrides
        family = FAMILIES[config.model_type.removeprefix(SLIM_PREFIX)]
        layers = layers_of(self, family)
        for layer, layer_config in zip(layers, config.per_layer_config, strict=True):
            _shape_layer(layer, layer_config, family)
        layers.apply(self._init_weights)

    @classmethod
    def _can_set_attn_implementation(cls) -> bool:
        # transformers looks for an answer in the source file of the class: the stock one's.
        stock: type[PreTrainedModel] = cls.__bases__[1]
        return stock._can_set_attn_implementation()


def _slim_config(family: Family) -> type[PreTrainedConfig]:
    stock = getattr(transformers, f"{family.class_prefix}Config")
    return type(
        f"Slim{family.class_prefix}Config",
        (stock,),
        {"model_type": family.slim_type, "__module__": __name__},
    )


def _slim_model(family: Family, name: str) -> type[PreTrainedModel]:
    stock = getattr(transformers, name.removeprefix("Slim"))
    config = __getattr__(f"Slim{family.class_prefix}Config")
    return type(name, (_SlimModel, stock), {"config_class": config, "__module__": __name__})


def _make_class(name: str) -> type:
    stock = name.removeprefix("Slim")
    for family in FAMILIES.values():
        prefix = family.class_prefix
        if stock == f"{prefix}Config":
            return _slim_config(family)
        if stock == f"{prefix}Model" or stock.startswith(f"{prefix}For"):
            return _slim_model(family, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __getattr__(name: str) -> Any:
    """Make `SlimBertForSequenceClassification` and its like when they are asked for."""
    if not name.startswith("Slim"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals().setdefault(name, _make_class(name))
