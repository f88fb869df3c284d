"""Transformers models whose layers differ: a block gone, an FFN block narrowed, filled or shared.

A slim class is the stock class of transformers with some submodules swapped after construction;
no `forward` is copied. Which layer lacks what stands in the configuration's `per_layer_config`:

    "3": {"skip": ["ffn"], "intermediate_size": 0}              the FFN block is gone
    "3": {"intermediate_size": 384}                             it has 384 neurons
    "3": {"skip": ["attention"], "num_attention_heads": 0}      the attention block is gone
    "3": {"num_attention_heads": 6}                             it has 6 heads of the usual size
    "3": {"skip": ["ffn"], "intermediate_size": 0, "linear_rank": 64}
                                                                a linear map of rank 64 fills it
    "3": {"intermediate_size": 384, "linear_rank": 64}          ... and one stands beside it
    "3": {"ffn_of": 1}                                          it uses the FFN block of layer 1
    "3": {"num_attention_heads": 2, "bias_heads": [0, 5]}       its two heads add heads 0 and 5 of
                                                                the bias that all layers share

`"ffn_norm"` and `"attention_norm"` in `skip` take the LayerNorm after the block away too. A
skipped block also has a size of 0, so that a stock class, which knows nothing of `skip`,
refuses the configuration instead of filling the block with random weights; it refuses
`linear_rank`, `ffn_of` and `bias_heads` as well, since only a slim configuration has a default for
them.

Needs torch and transformers only: this file and families.py are copied beside the weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import transformers
from torch import Tensor, nn

from .families import FAMILIES, SKIPPABLE, Family, family_named

TRANSFORMERS_TESTED = ("5.14.0", "5.24.0")

# Before what transformers 4 has by another name is imported.
if not hasattr(getattr(transformers, "PreTrainedConfig", None), "per_layer_config"):
    raise ImportError(
        f"a slim model needs transformers >= {TRANSFORMERS_TESTED[0]} for per_layer_config; "
        f"this is {transformers.__version__}"
    )

from transformers import PreTrainedConfig, PreTrainedModel  # noqa: E402


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


class LinearBesideInput(nn.Linear):
    """The first map of an FFN block with a bypass: hands its input on beside its output."""

    def forward(self, hidden_states: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """Return the neurons' inputs, and what they were computed from."""
        return super().forward(hidden_states), hidden_states


class ActivationBesideInput(nn.Module):
    """The activation of an FFN block with a bypass: hands the block's input on as it is."""

    def __init__(self, activation: nn.Module) -> None:
        super().__init__()
        self.activation = activation

    def forward(self, states: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Return the neurons' outputs, and the block's input."""
        neurons, hidden_states = states
        return self.activation(neurons), hidden_states


class LinearWithBypass(nn.Linear):
    """The second map of an FFN block with a bypass: adds a linear map of the block's input."""

    bypass: nn.Linear | nn.Sequential

    def forward(self, states: tuple[Tensor, Tensor]) -> Tensor:  # type: ignore[override]
        """Return the sum of the two maps."""
        neurons, hidden_states = states
        mapped: Tensor = self.bypass(hidden_states)
        return super().forward(neurons) + mapped


class _WithBypass(nn.Module):
    """Mixed in before the class of a gated FFN block: adds a linear map of the block's input."""

    bypass: nn.Linear | nn.Sequential

    def forward(self, hidden_states: Tensor) -> Tensor:
        """Return the sum of the block and the map."""
        mapped: Tensor = self.bypass(hidden_states)
        block: Tensor = super().forward(hidden_states)
        return block + mapped


class _WithShareOfBias(nn.Module):
    """Mixed in before the class of an attention block: adds its own heads of the shared bias."""

    bias_heads: list[int]

    def forward(
        self,
        hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        position_bias: Tensor | None = None,
        **kwargs: Any,
    ) -> Any:
        """Take the bias of all heads that there were, (sequences or 1, heads, length, length)."""
        if position_bias is not None:
            position_bias = position_bias[:, self.bias_heads]
        return super().forward(hidden_states, attention_mask, position_bias, **kwargs)


def layers_of(model: PreTrainedModel, family: Family) -> nn.ModuleList:
    """Return the transformer layers of a model, with or without a head."""
    layers = model.base_model.get_submodule(family.layers)
    assert isinstance(layers, nn.ModuleList)  # noqa: S101
    return layers


def remove_ffn(layer: nn.Module, family: Family) -> None:
    """Take the FFN block out of a layer; the residual and its LayerNorm stay."""
    _replace_block(layer, family.layout.ffn.modules, NoFFN())


def fill_ffn(layer: nn.Module, family: Family, rank: int) -> None:
    """Put a linear map, zero at first, in the place of the FFN block; the rest stays.

    Args:
        layer: A layer with an FFN block.
        family: Its family.
        rank: Of the map; hidden_size for a single matrix, less for two factors.
    """
    ffn_in, _ = ffn_of(layer, family)
    _replace_block(layer, family.layout.ffn.modules, _linear(ffn_in, rank, bias=True))


def add_bypass(layer: nn.Module, family: Family, rank: int) -> None:
    """Put a linear map of the FFN block's input, zero at first, beside the block.

    Args:
        layer: A layer with an FFN block that has no bypass.
        family: Its family.
        rank: Of the map; hidden_size for a single matrix, less for two factors.
    """
    layout = family.layout
    ffn_in, ffn_out = ffn_of(layer, family)
    if layout.ffn.gated:
        block = layer.get_submodule(layout.ffn.modules[0])
        block.bypass = _linear(ffn_in, rank, bias=False)
        block.__class__ = type(type(block).__name__, (_WithBypass, type(block)), {})
        return
    with_bypass = _remade(ffn_out, LinearWithBypass)
    with_bypass.bypass = _linear(ffn_in, rank, bias=False)
    layer.set_submodule(layout.ffn.input, _remade(ffn_in, LinearBesideInput))
    activation = ActivationBesideInput(layer.get_submodule(layout.ffn.activation))
    layer.set_submodule(layout.ffn.activation, activation)
    layer.set_submodule(layout.ffn.output, with_bypass)


def share_ffn(giver: nn.Module, taker: nn.Module, family: Family) -> None:
    """Let one layer use the FFN block of another instead of its own; they are one object then."""
    for name in family.layout.ffn.modules:
        taker.set_submodule(name, giver.get_submodule(name))


def ffn_of(layer: nn.Module, family: Family) -> tuple[nn.Linear, nn.Linear]:
    """Return the two maps of the FFN block of a layer that has one."""
    ffn_in = layer.get_submodule(family.layout.ffn.input)
    ffn_out = layer.get_submodule(family.layout.ffn.output)
    assert isinstance(ffn_in, nn.Linear)  # noqa: S101
    assert isinstance(ffn_out, nn.Linear)  # noqa: S101
    return ffn_in, ffn_out


def linear_of(layer: nn.Module, family: Family) -> nn.Linear | nn.Sequential | None:
    """Return the linear map that fills the FFN block's place, or that bypasses the block.

    It has one matrix (hidden_size, hidden_size), or is a sequence of two factors, hidden_size ->
    rank without bias and rank -> hidden_size. A fill has a bias at its end; a bypass has none, as
    that of the block's second map serves both.

    Returns:
        None where the layer has neither.
    """
    block = layer.get_submodule(family.layout.ffn.modules[0])
    if isinstance(block, NoFFN):
        return None
    if isinstance(block, nn.Linear | nn.Sequential) and not _has_neurons(layer, family):
        return block
    _, ffn_out = ffn_of(layer, family)
    owner = block if isinstance(block, _WithBypass) else ffn_out
    return owner.bypass if isinstance(owner, _WithBypass | LinearWithBypass) else None


def _has_neurons(layer: nn.Module, family: Family) -> bool:
    """Whether the output map of the FFN block is there; a fill leaves nothing or Identity of it."""
    path, _, name = family.layout.ffn.output.rpartition(".")
    try:
        owner = layer.get_submodule(path)
    except AttributeError:
        return False
    return isinstance(getattr(owner, name, None), nn.Linear)


def _linear(like: nn.Linear, rank: int, *, bias: bool) -> nn.Linear | nn.Sequential:
    """Return a map of the inputs of a linear map onto themselves that is zero, of its type."""
    width = like.in_features
    made: nn.Linear | nn.Sequential = nn.Linear(width, width, bias=bias)
    if rank < width:
        made = nn.Sequential(nn.Linear(width, rank, bias=False), nn.Linear(rank, width, bias=bias))
    for parameter in made.parameters():
        nn.init.zeros_(parameter)
    return made.to(like.weight)


_Linear = TypeVar("_Linear", bound=nn.Linear)


def _remade(linear: nn.Linear, kind: type[_Linear]) -> _Linear:
    """Return a linear map of another class with the same parameters."""
    bias = linear.bias is not None
    made = kind(linear.in_features, linear.out_features, bias=bias, device="meta")
    made.weight, made.bias = linear.weight, linear.bias
    return made


def remove_attention(layer: nn.Module, family: Family) -> None:
    """Take the attention block out of a layer; the residual and its LayerNorm stay."""
    _replace_block(layer, family.layout.attention.modules, NoAttention())


def remove_norm(layer: nn.Module, name: str | None) -> None:
    """Take a LayerNorm out of a layer; None stands for one that the family does not have."""
    if name is not None:
        layer.set_submodule(name, nn.Identity())


def _replace_block(layer: nn.Module, modules: tuple[str, ...], nothing: nn.Module) -> None:
    computes, *rest = modules
    layer.set_submodule(computes, nothing)
    for name in rest:
        layer.set_submodule(name, nn.Identity())


def _resize_ffn(layer: nn.Module, family: Family, intermediate_size: int) -> None:
    layout = family.layout.ffn
    width = ffn_of(layer, family)[1].in_features
    for name in (layout.input, layout.up):
        if name is not None:
            linear: Any = layer.get_submodule(name)
            _resize(layer, name, outputs=linear.out_features // width * intermediate_size)
    _resize(layer, layout.output, inputs=intermediate_size)


def _resize_attention(layer: nn.Module, family: Family, heads: int) -> None:
    layout = family.layout.attention
    attention: Any = layer.get_submodule(layout.modules[0])
    out: Any = layer.get_submodule(layout.output)
    whole, width = out.in_features, heads * getattr(attention, layout.head_size)
    if whole == width:
        return
    for name in layout.inputs:
        linear: Any = layer.get_submodule(name)
        _resize(layer, name, outputs=linear.out_features // whole * width)
    _resize(layer, layout.output, inputs=width)
    set_heads(attention, family, heads)


def set_heads(attention: nn.Module, family: Family, heads: int) -> None:
    """Tell the module that computes attention how many heads its maps have."""
    setattr(attention, family.keys.heads, heads)
    if hasattr(attention, "all_head_size"):
        size: int = getattr(attention, family.layout.attention.head_size)
        attention.all_head_size = heads * size  # type: ignore[assignment]


def take_share_of_bias(attention: nn.Module, heads: list[int]) -> None:
    """Let the module that computes attention add some heads of the bias that all layers share.

    Args:
        attention: The module.
        heads: The number that each of its heads has in the bias.
    """
    attention.bias_heads = heads  # type: ignore[assignment]
    if not isinstance(attention, _WithShareOfBias):
        stock = type(attention)
        attention.__class__ = type(stock.__name__, (_WithShareOfBias, stock), {})


def _resize(
    layer: nn.Module, name: str, *, inputs: int | None = None, outputs: int | None = None
) -> None:
    old = layer.get_submodule(name)
    assert isinstance(old, nn.Linear)  # noqa: S101
    made = nn.Linear(
        old.in_features if inputs is None else inputs,
        old.out_features if outputs is None else outputs,
        bias=old.bias is not None,
        dtype=old.weight.dtype,
    )
    layer.set_submodule(name, made)


def _of_each_layer(config: PreTrainedConfig, family: Family) -> list[PreTrainedConfig]:
    """Return the configuration of each layer; transformers counts one that runs twice as two."""
    return list(config.per_layer_config)[: getattr(config, family.keys.layers)]


def _shape_layer(layer: nn.Module, config: PreTrainedConfig, family: Family) -> None:
    skip = set(getattr(config, "skip", ()))
    if unknown := skip.difference(SKIPPABLE):
        raise ValueError(f"per_layer_config: cannot skip {', '.join(sorted(unknown))}")
    if "attention" in skip:
        remove_attention(layer, family)
    else:
        _resize_attention(layer, family, getattr(config, family.keys.heads))
        if config.bias_heads is not None:
            attention = layer.get_submodule(family.layout.attention.modules[0])
            take_share_of_bias(attention, list(config.bias_heads))
    if "attention_norm" in skip:
        remove_norm(layer, family.layout.attention.norm)
    _shape_ffn(layer, config, family, gone="ffn" in skip)
    if "ffn_norm" in skip:
        remove_norm(layer, family.layout.ffn.norm)


def _shape_ffn(layer: nn.Module, config: PreTrainedConfig, family: Family, *, gone: bool) -> None:
    rank: int = config.linear_rank
    if not gone:
        _resize_ffn(layer, family, getattr(config, family.keys.intermediate_size))
        if rank:
            add_bypass(layer, family, rank)
    elif rank:
        fill_ffn(layer, family, rank)
    else:
        remove_ffn(layer, family)


if TYPE_CHECKING:
    _Stock = PreTrainedModel
    _StockConfig = PreTrainedConfig
else:
    _Stock = _StockConfig = object


@contextmanager
def _as_if_even(config: PreTrainedConfig) -> Iterator[None]:
    """Set aside how layers differ: a stock class asks for what all of them have."""
    overrides = config.to_dict().get("per_layer_config")
    config.per_layer_config = None
    try:
        yield
    finally:
        config.per_layer_config = overrides


class _SlimModel(_Stock):
    """Mixed in before a stock class: builds that, then swaps the submodules that differ."""

    _shared_ffns: dict[str, str] = {}  # noqa: RUF012 (replaced, never changed)

    def __init__(self, config: PreTrainedConfig, *args: Any, **kwargs: Any) -> None:
        with _as_if_even(config):
            super().__init__(config, *args, **kwargs)
        family = family_named(config.model_type)
        layers = layers_of(self, family)
        for layer, layer_config in zip(layers, _of_each_layer(config, family), strict=True):
            _shape_layer(layer, layer_config, family)
        self._share_ffns(config, family)
        layers.apply(self._init_weights)

    def _share_ffns(self, config: PreTrainedConfig, family: Family) -> None:
        layers = layers_of(self, family)
        stack = (
            family.layers
            if self.base_model is self
            else f"{self.base_model_prefix}.{family.layers}"
        )
        shared = {}
        for number, layer_config in enumerate(_of_each_layer(config, family)):
            if layer_config.ffn_of is None:
                continue
            share_ffn(layers[layer_config.ffn_of], layers[number], family)
            for block in family.layout.ffn.modules:
                for name, _ in layers[number].get_submodule(block).named_parameters():
                    tail = f"{block}.{name}"
                    shared[f"{stack}.{number}.{tail}"] = f"{stack}.{layer_config.ffn_of}.{tail}"
        self._shared_ffns = shared
        self._tied_weights_keys = {**(self._tied_weights_keys or {}), **shared}
        self.all_tied_weights_keys.update(shared)

    def get_expanded_tied_weights_keys(self, all_submodels: bool = False) -> dict[str, str]:
        """Add the shared FFN blocks, which are tied even where the embeddings are not."""
        return {**super().get_expanded_tied_weights_keys(all_submodels), **self._shared_ffns}

    @classmethod
    def _can_set_attn_implementation(cls) -> bool:
        # transformers looks for an answer in the source file of the class: the stock one's.
        stock: type[PreTrainedModel] = cls.__bases__[1]
        return stock._can_set_attn_implementation()


class _SlimConfig(_StockConfig):
    """Mixed in before a stock configuration, which asks for sizes that all layers have."""

    def validate(self) -> None:
        """Check the configuration as the stock class does, but for what sets layers apart."""
        with _as_if_even(self):
            super().validate()  # type: ignore[misc]  # transformers adds it to the stock class


def _slim_config(family: Family) -> type[PreTrainedConfig]:
    stock = getattr(transformers, f"{family.class_prefix}Config")
    return type(
        f"Slim{family.class_prefix}Config",
        (_SlimConfig, stock),
        {
            "model_type": family.slim_type,
            "__module__": __name__,
            "linear_rank": 0,
            "ffn_of": None,
            "bias_heads": None,
        },
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
        if stock == family.architecture("") or stock.startswith(f"{prefix}For"):
            return _slim_model(family, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __getattr__(name: str) -> Any:
    """Make `SlimBertForSequenceClassification` and its like when they are asked for."""
    if not name.startswith("Slim"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals().setdefault(name, _make_class(name))
