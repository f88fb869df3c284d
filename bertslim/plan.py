"""Recipe + ModelFacts -> Plan: what each layer becomes, before any weight is touched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bertslim.layers import SelectorError
from bertslim.recipe import (
    DropAttention,
    DropFfn,
    DropLayer,
    LoadedRecipe,
    Operation,
    ResizeFfn,
    ScaleFfn,
)
from bertslim.recipe_source import Location, Problem
from bertslim.records import LayerFacts, LayerPlan, ModelFacts, Plan, Sizes, StepPlan

DEFAULT_LENGTH = 128


class _Impossible(ValueError):
    """An operation does not fit the layer that it meets."""


@dataclass
class _Draft:
    """One layer while the steps of a recipe pass over it."""

    before: LayerFacts
    after: LayerFacts | None
    actions: list[str] = field(default_factory=list)


def make_plan(loaded: LoadedRecipe, facts: ModelFacts, *, length: int = DEFAULT_LENGTH) -> Plan:
    """Work out what a recipe makes of a model.

    Args:
        loaded: The recipe, with the file that it was read from.
        facts: The shape of the base.
        length: The sequence length, in tokens, at which MACs are counted.

    Raises:
        RecipeError: The recipe does not fit the model; says all that does not.
    """
    drafts = [_Draft(before=layer, after=layer) for layer in facts.layers]
    problems: list[Problem] = []
    steps = [
        StepPlan(op=operation.op, layers=_take_step(operation, number, drafts, problems))
        for number, operation in enumerate(loaded.recipe.surgery)
    ]
    if not problems and all(draft.after is None for draft in drafts):
        problems.append(Problem(("surgery",), "no layer is left of the model; keep at least one"))
    if problems:
        raise loaded.error(problems)
    rows = _rows(drafts, facts, length)
    kept = [row.after for row in rows if row.after is not None]
    return Plan(
        steps=tuple(steps),
        layers=rows,
        even=_is_even(kept, facts),
        length=length,
        base=count(facts, facts.layers, length),
        slim=count(facts, kept, length),
    )


def count(facts: ModelFacts, layers: Sequence[LayerFacts], length: int) -> Sizes:
    """Count what a model with these layers holds and computes at batch 1."""
    encoder = facts.shared_parameters + sum(layer_parameters(facts, layer) for layer in layers)
    outside = facts.embedding_parameters + facts.head_parameters
    return Sizes(
        parameters=encoder + outside,
        encoder=encoder,
        embeddings=facts.embedding_parameters,
        macs=facts.macs_per_sequence
        + facts.macs_per_token * length
        + sum(layer_macs(facts, layer, length) for layer in layers),
    )


def layer_parameters(facts: ModelFacts, layer: LayerFacts) -> int:
    """Count the parameters of one layer: two blocks, each with its LayerNorm."""
    hidden, attention = facts.hidden_size, layer.heads * facts.head_size
    parameters = 0
    if layer.heads:
        parameters += 3 * (hidden + 1) * attention + (attention + 1) * hidden
    if layer.intermediate_size:
        parameters += ffn_parameters(facts, layer)
    return parameters + 2 * hidden * (layer.attention_norm + layer.ffn_norm)


def ffn_parameters(facts: ModelFacts, layer: LayerFacts) -> int:
    """Count the parameters of the FFN block, without its LayerNorm."""
    if not layer.intermediate_size:
        return 0
    hidden = facts.hidden_size
    return (2 * hidden + 1) * layer.intermediate_size + hidden


def layer_macs(facts: ModelFacts, layer: LayerFacts, length: int) -> int:
    """Count the multiply-accumulates of one layer at batch 1, QK^T and AV with them."""
    hidden, attention = facts.hidden_size, layer.heads * facts.head_size
    projections = 4 * length * hidden * attention
    scores = 2 * length * length * attention
    return projections + scores + 2 * length * hidden * layer.intermediate_size


def _take_step(
    operation: Operation, number: int, drafts: list[_Draft], problems: list[Problem]
) -> tuple[int, ...]:
    location: Location = ("surgery", number, "layers")
    try:
        layers = operation.layers.resolve(len(drafts))
    except SelectorError as error:
        problems.append(Problem(location, f"layers: {error}"))
        return ()
    for layer in layers:
        try:
            _EFFECTS[operation.op](operation, drafts[layer])
        except _Impossible as error:
            problems.append(Problem(location, f"layers: layer {layer} {error}"))
    return layers


def _drop_ffn(operation: DropFfn, draft: _Draft) -> None:
    layer = _with_ffn(draft)
    norm = layer.ffn_norm and operation.layer_norm == "keep"
    draft.after = layer.model_copy(update={"intermediate_size": 0, "ffn_norm": norm})
    draft.actions.append("FFN deleted" if norm else "FFN and its LayerNorm deleted")


def _resize_ffn(operation: ResizeFfn, draft: _Draft) -> None:
    layer = _with_ffn(draft)
    neurons = operation.neurons(layer.intermediate_size)
    if neurons > layer.intermediate_size:
        raise _Impossible(f"has {layer.intermediate_size} neurons, fewer than width {neurons}")
    if neurons == layer.intermediate_size:
        draft.actions.append(f"FFN width {neurons} already")
        return
    draft.actions.append(f"FFN {layer.intermediate_size} -> {neurons} by {operation.criterion}")
    draft.after = layer.model_copy(update={"intermediate_size": neurons})


def _scale_ffn(operation: ScaleFfn, draft: _Draft) -> None:
    _with_ffn(draft)
    draft.actions.append(f"FFN output x {operation.gain:g}")


def _drop_attention(operation: DropAttention, draft: _Draft) -> None:
    layer = _present(draft)
    if layer.heads == 0:
        raise _Impossible("has no attention block")
    norm = layer.attention_norm and operation.layer_norm == "keep"
    draft.after = layer.model_copy(update={"heads": 0, "attention_norm": norm})
    draft.actions.append("attention deleted" if norm else "attention and its LayerNorm deleted")


def _drop_layer(operation: DropLayer, draft: _Draft) -> None:
    _present(draft)
    draft.after = None
    draft.actions.append("layer deleted")


_EFFECTS: dict[str, Callable[[Any, _Draft], None]] = {
    "drop_ffn": _drop_ffn,
    "resize_ffn": _resize_ffn,
    "scale_ffn": _scale_ffn,
    "drop_attention": _drop_attention,
    "drop_layer": _drop_layer,
}


def _present(draft: _Draft) -> LayerFacts:
    if draft.after is None:
        raise _Impossible("is deleted by an earlier step")
    return draft.after


def _with_ffn(draft: _Draft) -> LayerFacts:
    layer = _present(draft)
    if layer.intermediate_size == 0:
        when = "any more after an earlier step" if draft.before.intermediate_size else ""
        raise _Impossible(f"has no FFN block {when}".rstrip())
    return layer


def _rows(drafts: list[_Draft], facts: ModelFacts, length: int) -> tuple[LayerPlan, ...]:
    rows, slim_layer = [], 0
    for number, draft in enumerate(drafts):
        after = draft.after
        rows.append(
            LayerPlan(
                layer=number,
                slim_layer=None if after is None else slim_layer,
                before=draft.before,
                after=after,
                actions=tuple(draft.actions),
                parameters_before=layer_parameters(facts, draft.before),
                parameters_after=layer_parameters(facts, after) if after else 0,
                macs_before=layer_macs(facts, draft.before, length),
                macs_after=layer_macs(facts, after, length) if after else 0,
            )
        )
        slim_layer += after is not None
    return tuple(rows)


def _is_even(layers: list[LayerFacts], facts: ModelFacts) -> bool:
    whole = LayerFacts(
        heads=facts.hidden_size // facts.head_size, intermediate_size=layers[0].intermediate_size
    )
    return whole.intermediate_size > 0 and all(layer == whole for layer in layers)
