"""What a model puts out with one block of one layer altered; what lies below is not run again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from bertslim.model.families import Family
from bertslim.model.layer import (
    LayerArguments,
    LayerParts,
    first_layer_input,
    run_head,
)
from bertslim.model.slim_modeling import ffn_of, layers_of
from bertslim.records import AlterationKind, LayerFacts, ModelFacts
from bertslim.surgery.importance import keep_best, magnitude

_POSSIBLE: dict[AlterationKind, Callable[[LayerFacts], bool]] = {
    "drop_ffn": lambda layer: layer.intermediate_size > 0,
    "halve_ffn": lambda layer: layer.intermediate_size > 1 and not layer.linear_rank,
    "drop_attention": lambda layer: layer.heads > 0,
}


@dataclass(frozen=True)
class Alteration:
    """One layer of a model that is otherwise left as it is.

    Attributes:
        layer: Its number.
        kind: What becomes of it: the FFN block is left out, keeps the half of its neurons that
            `resize_ffn` would keep by their weights, or the attention block is left out. LayerNorms
            and residuals stay.
    """

    layer: int
    kind: AlterationKind


@dataclass(frozen=True)
class _Passed:
    """A layer that a batch has gone through.

    Attributes:
        hidden: What went in, (sequences, length, hidden_size).
        inner: What went into its FFN block.
    """

    hidden: Tensor
    inner: Tensor


def possible_alterations(facts: ModelFacts, kinds: Sequence[AlterationKind]) -> list[Alteration]:
    """Return what can be altered, layer by layer: a block that is gone cannot be left out."""
    return [
        Alteration(number, kind)
        for number, layer in enumerate(facts.layers)
        for kind in kinds
        if _POSSIBLE[kind](layer)
    ]


def altered_outputs(
    model: PreTrainedModel,
    family: Family,
    inputs: dict[str, Tensor],
    alterations: Sequence[Alteration],
) -> Iterator[tuple[Alteration | None, Any]]:
    """Yield what a model puts out as it is, with None, and then with each alteration.

    One of layer n of L costs what the L - n - 1 layers above it cost, and a block.

    Args:
        model: In eval mode; left as it is.
        family: Its family.
        inputs: What it takes.
        alterations: Each is tried alone.
    """
    layers = [LayerParts(layer, family) for layer in layers_of(model, family)]
    hidden, given = first_layer_input(model, family, inputs)
    passed = []
    for layer in layers:
        inner = _inner(layer, hidden, given)
        passed.append(_Passed(hidden, inner))
        hidden = _behind(layer, inner)
    yield None, run_head(model, family, inputs, hidden)
    for one in alterations:
        hidden = _altered(layers[one.layer], one.kind, passed[one.layer])
        for layer in layers[one.layer + 1 :]:
            hidden = _behind(layer, _inner(layer, hidden, given))
        yield one, run_head(model, family, inputs, hidden)


def _inner(layer: LayerParts, hidden: Tensor, given: LayerArguments) -> Tensor:
    context = layer.context(hidden, given) if layer.has_attention else None
    return layer.inner(layer.attended(hidden, context))


def _behind(layer: LayerParts, inner: Tensor) -> Tensor:
    return layer.output(inner + layer.block(inner))


def _altered(layer: LayerParts, kind: AlterationKind, passed: _Passed) -> Tensor:
    """Return what an altered layer puts out."""
    if kind == "drop_attention":
        return _behind(layer, layer.inner(passed.hidden))
    if kind == "drop_ffn":
        return layer.output(passed.inner)
    return layer.output(passed.inner + _half_block(layer, passed.inner))


def _half_block(layer: LayerParts, inner: Tensor) -> Tensor:
    ffn_in, ffn_out = ffn_of(layer.layer, layer.family)
    kept = keep_best(magnitude(ffn_in, ffn_out), ffn_out.in_features // 2)
    silent = torch.ones(ffn_out.in_features, dtype=torch.bool)
    silent[kept] = False
    found: Tensor = ffn_out(layer.neurons(inner).masked_fill(silent, 0))
    return found
