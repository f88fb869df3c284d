"""The outputs of a model with one block of one layer altered; layers below are not run again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from bertslim.model.layer import (
    Layer,
    LayerArguments,
    layer_inputs,
    model_layers,
    passes_of,
    run_head,
)
from bertslim.records import AlterationKind, LayerFacts, LayerForm, ModelFacts
from bertslim.surgery.importance import keep_best, magnitude

_POSSIBLE: dict[AlterationKind, Callable[[LayerFacts, LayerForm], bool]] = {
    "drop_ffn": lambda layer, _: layer.intermediate_size > 0,
    "halve_ffn": lambda layer, _: layer.intermediate_size > 1 and not layer.linear_rank,
    "drop_attention": lambda layer, form: layer.heads > 0 and not form.attention_adds_residual,
}


@dataclass(frozen=True)
class Alteration:
    """One layer of a model that is otherwise left as it is.

    Attributes:
        layer: Its number.
        kind: The FFN block is left out, keeps the half of its neurons that
            `resize_ffn` would keep by their weights, or the attention block is left out. LayerNorms
            and residuals stay.
    """

    layer: int
    kind: AlterationKind


@dataclass(frozen=True)
class _LayerStates:
    """The states of a batch at one layer.

    Attributes:
        hidden: The input of the layer, (sequences, length, hidden_size).
        between: The states between its blocks, of the same shape.
    """

    hidden: Tensor
    between: Tensor


@dataclass(frozen=True)
class _Visit:
    """A layer that the hidden states of a batch go through.

    Attributes:
        number: The number of the layer.
        layer: The layer.
        given: What it gets beside the hidden states.
    """

    number: int
    layer: Layer
    given: LayerArguments

    def states(self, hidden: Tensor) -> _LayerStates:
        """Return the states at the layer, given its input."""
        return _LayerStates(hidden, self.layer.attention.run(hidden, self.given))

    def run(self, hidden: Tensor) -> Tensor:
        """Return the output of the layer."""
        return self.layer.ffn.run(self.states(hidden).between)


def possible_alterations(facts: ModelFacts, kinds: Sequence[AlterationKind]) -> list[Alteration]:
    """Return what can be altered, layer by layer: a block that is gone cannot be left out."""
    return [
        Alteration(number, kind)
        for number, layer in enumerate(facts.layers)
        for kind in kinds
        if _POSSIBLE[kind](layer, facts.form)
    ]


def altered_outputs(
    model: PreTrainedModel, inputs: dict[str, Tensor], alterations: Sequence[Alteration]
) -> Iterator[tuple[Alteration | None, Any]]:
    """Yield the outputs of a model as it is, with None, and then with each alteration.

    One of layer n of L costs what the L - n - 1 layers above it cost, and a block.

    Args:
        model: In eval mode; left as it is.
        inputs: What it takes.
        alterations: Each is tried alone.
    """
    hidden, given = layer_inputs(model, inputs)
    layers = [
        _Visit(number, layer, arguments)
        for number, (layer, arguments) in enumerate(zip(model_layers(model), given, strict=True))
    ]
    visits, states = layers * passes_of(model), []
    for visit in visits:
        states.append(visit.states(hidden))
        hidden = visit.layer.ffn.run(states[-1].between)
    yield None, run_head(model, inputs, hidden)
    for alteration in alterations:
        number, kind = alteration.layer, alteration.kind
        hidden = _altered(layers[number].layer, kind, states[number])
        for visit in visits[number + 1 :]:
            again = visit.number == number
            hidden = (
                _altered(visit.layer, kind, visit.states(hidden)) if again else visit.run(hidden)
            )
        yield alteration, run_head(model, inputs, hidden)


def _altered(layer: Layer, kind: AlterationKind, states: _LayerStates) -> Tensor:
    """Return the output of a layer that is altered."""
    if kind == "drop_attention":
        return layer.ffn.run(layer.attention.normalise(states.hidden))
    if kind == "drop_ffn":
        return layer.ffn.normalise(states.between)
    return layer.ffn.normalise(states.between + _half_update(layer, states.between))


def _half_update(layer: Layer, states: Tensor) -> Tensor:
    """Return what the stronger half of the neurons adds."""
    ffn = layer.ffn
    kept = keep_best(magnitude(ffn.inputs, ffn.output), ffn.intermediate_size // 2)
    silent = torch.ones(ffn.intermediate_size, dtype=torch.bool, device=states.device)
    silent[kept] = False
    update: Tensor = ffn.output(ffn.neurons(states).masked_fill(silent, 0))
    return update
