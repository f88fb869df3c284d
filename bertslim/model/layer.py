"""A transformer layer taken apart at its joints, so that a part can be solved before the next runs.

Layers of every family are post-norm and join their parts alike:

    attended = hidden + attention_out(context)      inner = attention_norm(attended)
    summed = inner + block(inner)                   output = ffn_norm(summed)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPastAndCrossAttentions

from bertslim.model.families import Family
from bertslim.model.slim_modeling import NoAttention, NoFFN, layers_of


@dataclass(frozen=True)
class LayerArguments:
    """What a model hands to each of its layers beside the hidden states.

    Attributes:
        arguments: Positional arguments, such as the attention mask as the layers take it.
        keywords: Keyword arguments.
    """

    arguments: tuple[Any, ...]
    keywords: dict[str, Any]


@dataclass(frozen=True)
class LayerParts:
    """One layer of a base or slim model."""

    layer: nn.Module
    family: Family

    @property
    def has_attention(self) -> bool:
        """Whether the attention block is there."""
        return not isinstance(self._part(self.family.layout.attention[0]), NoAttention)

    @property
    def has_ffn(self) -> bool:
        """Whether the FFN block, or what fills its place, is there."""
        return not isinstance(self._part(self.family.layout.ffn[0]), NoFFN)

    @property
    def attention_in(self) -> list[nn.Linear]:
        """The query, key and value maps."""
        return [self._linear(name) for name in self.family.layout.attention_in]

    @property
    def attention_out(self) -> nn.Linear:
        """The output map of the attention block."""
        return self._linear(self.family.layout.attention_out)

    def context(self, hidden: Tensor, given: LayerArguments) -> Tensor:
        """Return what the attention block hands to its output map; nothing behind it runs."""
        found = run_until(
            self._part(self.family.layout.attention_out),
            lambda: self.layer(hidden, *given.arguments, **given.keywords),
        )
        return cast(Tensor, found[0][0])

    def attended(self, hidden: Tensor, context: Tensor | None) -> Tensor:
        """Return the sum that goes into the LayerNorm behind the attention block."""
        return hidden if context is None else hidden + self.attention_out(context)

    def inner(self, attended: Tensor) -> Tensor:
        """Return what goes into the FFN block."""
        return cast(Tensor, self._part(self.family.layout.attention_norm)(attended))

    def neurons(self, inner: Tensor) -> Tensor:
        """Return the neurons of the FFN block behind their activation."""
        layout = self.family.layout
        neurons = self._part(layout.ffn_act)(self._part(layout.ffn_in)(inner))
        return cast(Tensor, neurons[0] if isinstance(neurons, tuple) else neurons)

    def block(self, inner: Tensor) -> Tensor:
        """Return what the FFN block, or what fills its place, adds; zero where there is neither."""
        for name in self.family.layout.ffn:
            inner = self._part(name)(inner)
        return inner

    def output(self, summed: Tensor) -> Tensor:
        """Return the hidden states behind the layer."""
        return cast(Tensor, self._part(self.family.layout.ffn_norm)(summed))

    def _part(self, name: str) -> nn.Module:
        return self.layer.get_submodule(name)

    def _linear(self, name: str) -> nn.Linear:
        return cast(nn.Linear, self._part(name))


def first_layer_input(
    model: PreTrainedModel, family: Family, inputs: dict[str, Tensor]
) -> tuple[Tensor, LayerArguments]:
    """Return the hidden states and what else the model's own call gives its first layer.

    No layer runs, and nothing behind the layers.
    """
    first = layers_of(model, family)[0]
    (hidden, *arguments), keywords = run_until(first, lambda: model(**inputs))
    return hidden, LayerArguments(tuple(arguments), keywords)


def run_head(
    model: PreTrainedModel, family: Family, inputs: dict[str, Tensor], hidden: Tensor
) -> Any:
    """Return what a model puts out where `hidden` comes from its last layer; no layer runs.

    Args:
        model: With a head or without.
        family: Its family.
        inputs: What the model takes.
        hidden: (sequences, length, hidden_size)
    """
    stack = model.base_model.get_submodule(family.layers.rpartition(".")[0])
    said = BaseModelOutputWithPastAndCrossAttentions(last_hidden_state=hidden)
    stack.forward = lambda *_, **__: said
    try:
        return model(**inputs)
    finally:
        del stack.forward


class _ReachedError(Exception):
    def __init__(self, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        super().__init__()
        self.arguments, self.keywords = arguments, keywords


def run_until(
    module: nn.Module, call: Callable[[], object]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Run a call until it reaches a module, and return what the module was to get."""

    def stop(_: nn.Module, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        raise _ReachedError(arguments, keywords)

    handle = module.register_forward_pre_hook(stop, with_kwargs=True, prepend=True)
    try:
        call()
    except _ReachedError as reached:
        return reached.arguments, reached.keywords
    finally:
        handle.remove()
    raise ValueError("the call never reached the module")
