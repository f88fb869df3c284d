"""Recipe + ModelFacts -> Plan: what each layer becomes, before any weight is touched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bertslim.recipe.schema import (
    DropAttention,
    DropFfn,
    DropLayer,
    LoadedRecipe,
    Operation,
    PruneHeads,
    PruneVocab,
    ResizeFfn,
    ScaleFfn,
    ShareFfn,
)
from bertslim.recipe.selector_text import SelectorError
from bertslim.recipe.source import Location, Problem
from bertslim.records import (
    LayerFacts,
    LayerPlan,
    ModelFacts,
    Plan,
    Sizes,
    StepPlan,
    VocabularyPlan,
)

DEFAULT_LENGTH = 128


class _Impossible(ValueError):
    """An operation does not fit the layer that it meets."""


@dataclass
class _Draft:
    """One layer while the steps of a recipe pass over it.

    Until the plan is made, `after.ffn_of` is the number of a layer of the base.
    """

    number: int
    before: LayerFacts
    after: LayerFacts | None
    actions: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Model:
    """What an operation meets besides the layer itself.

    Attributes:
        hidden_size: Width of the hidden states.
        heads_share_a_bias: Whether all layers share an attention bias with a row for each head.
        drafts: All layers of the base.
        selected: The numbers of the layers that the step is about.
    """

    hidden_size: int
    heads_share_a_bias: bool
    drafts: Sequence[_Draft]
    selected: tuple[int, ...]


def make_plan(
    loaded: LoadedRecipe,
    facts: ModelFacts,
    *,
    length: int = DEFAULT_LENGTH,
    pruned: ModelFacts | None = None,
    importance: Sequence[float] | None = None,
) -> Plan:
    """Work out what a recipe makes of a model.

    Args:
        loaded: The recipe, with the file that it was read from.
        facts: The shape of the base.
        length: The sequence length, in tokens, at which MACs are counted.
        pruned: The shape of the base with only the tokens that stay, once the data are read that
            the recipe prunes the vocabulary to.
        importance: What was measured on data, a figure for each layer of the base, larger for those
            that matter more; None: not measured.

    Raises:
        RecipeError: The recipe does not fit the model; says all that does not.
    """
    drafts = [
        _Draft(number, before=layer, after=layer) for number, layer in enumerate(facts.layers)
    ]
    problems: list[Problem] = []
    steps = [
        StepPlan(
            op=operation.op,
            layers=_take_step(operation, number, drafts, facts, importance, problems),
        )
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
        slim=count(pruned or facts, kept, length),
        vocabulary=_plan_vocabulary(loaded, facts, pruned),
    )


def _plan_vocabulary(
    loaded: LoadedRecipe, facts: ModelFacts, pruned: ModelFacts | None
) -> VocabularyPlan | None:
    if loaded.recipe.vocabulary_step is None:
        return None
    return VocabularyPlan(before=facts.vocab_size, after=pruned.vocab_size if pruned else None)


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
    parameters += ffn_parameters(facts, layer)
    return parameters + 2 * hidden * (layer.attention_norm + layer.ffn_norm)


def ffn_parameters(facts: ModelFacts, layer: LayerFacts) -> int:
    """Count the parameters of the FFN block and of a linear map, without the LayerNorm.

    A block that is another layer's counts there.
    """
    if layer.ffn_of is not None or not (layer.intermediate_size or layer.linear_rank):
        return 0
    hidden = facts.hidden_size
    neurons = (2 * hidden + 1) * layer.intermediate_size
    return neurons + _linear_weights(facts, layer) + hidden


def _linear_weights(facts: ModelFacts, layer: LayerFacts) -> int:
    """Count the weights of the linear map that fills or bypasses the block, biases left out."""
    hidden, rank = facts.hidden_size, layer.linear_rank
    return hidden * hidden if rank == hidden else 2 * hidden * rank


def layer_macs(facts: ModelFacts, layer: LayerFacts, length: int) -> int:
    """Count the multiply-accumulates of one layer at batch 1, QK^T and AV with them."""
    hidden, attention = facts.hidden_size, layer.heads * facts.head_size
    projections = 4 * length * hidden * attention
    scores = 2 * length * length * attention
    ffn = 2 * hidden * layer.intermediate_size + _linear_weights(facts, layer)
    return projections + scores + length * ffn


def _take_step(
    operation: Operation,
    number: int,
    drafts: list[_Draft],
    facts: ModelFacts,
    importance: Sequence[float] | None,
    problems: list[Problem],
) -> tuple[int, ...]:
    if isinstance(operation, PruneVocab):
        return ()
    location: Location = ("surgery", number, "layers")
    try:
        layers = operation.layers.resolve(len(drafts), importance)
    except SelectorError as error:
        problems.append(Problem(location, f"layers: {error}"))
        return ()
    model = _Model(facts.hidden_size, facts.shared_parameters > 0, drafts, layers)
    for layer in layers:
        try:
            _EFFECTS[operation.op](operation, drafts[layer], model)
        except _Impossible as error:
            problems.append(Problem(location, f"layers: layer {layer} {error}"))
    return layers


def _drop_ffn(operation: DropFfn, draft: _Draft, model: _Model) -> None:
    layer = _with_own_ffn(draft, model)
    if operation.fill == "attention" and layer.heads == 0:
        raise _Impossible("has no attention block, which fill: attention solves anew")
    rank = _fitting_rank(operation.linear_rank(model.hidden_size), model)
    norm = layer.ffn_norm and operation.layer_norm == "keep"
    if operation.fill == "attention" and not norm:
        raise _Impossible("needs the LayerNorm behind the FFN block for fill: attention")
    draft.after = layer.model_copy(
        update={
            "intermediate_size": 0,
            "attention_norm": layer.attention_norm and operation.fill != "attention",
            "ffn_norm": norm,
            "linear_rank": rank,
        }
    )
    deleted = "FFN deleted" if norm else "FFN and its LayerNorm deleted"
    fills = {
        "none": "",
        "attention": " with the LayerNorm before it, attention output solved anew",
        "linear": f", {_linear_map(rank, model)} in its place",
    }
    draft.actions.append(deleted + fills[operation.fill])


def _resize_ffn(operation: ResizeFfn, draft: _Draft, model: _Model) -> None:
    layer = _with_own_ffn(draft, model)
    neurons = operation.neurons(layer.intermediate_size)
    if neurons > layer.intermediate_size:
        raise _Impossible(f"has {layer.intermediate_size} neurons, fewer than width {neurons}")
    rank = _fitting_rank(operation.linear_rank(model.hidden_size), model)
    if rank and layer.linear_rank:
        raise _Impossible("has a bypass already")
    draft.after = layer.model_copy(
        update={"intermediate_size": neurons, "linear_rank": rank or layer.linear_rank}
    )
    resized = (
        f"FFN width {neurons} already"
        if neurons == layer.intermediate_size
        else f"FFN {layer.intermediate_size} -> {neurons} by {operation.criterion}"
    )
    draft.actions.append(resized + (f", {_linear_map(rank, model)} beside it" if rank else ""))


def _scale_ffn(operation: ScaleFfn, draft: _Draft, model: _Model) -> None:
    _with_own_ffn(draft, model)
    gain = "a fitted gain" if isinstance(operation.gain, str) else f"{operation.gain:g}"
    draft.actions.append(f"FFN output x {gain}")


def _share_ffn(operation: ShareFfn, draft: _Draft, model: _Model) -> None:
    layer, first = _with_own_ffn(draft, model), model.selected[0]
    if len(model.selected) < 2:
        raise _Impossible("is the only one selected; sharing takes two layers or more")
    if draft.number == first:
        others = ", ".join(map(str, model.selected[1:]))
        draft.actions.append(f"gives its FFN to layer {others}")
        return
    giver = model.drafts[first].after
    if giver is None or not giver.intermediate_size:
        return  # refused when it was its own turn
    for what, own, given in (
        ("neurons", layer.intermediate_size, giver.intermediate_size),
        ("as rank of its bypass", layer.linear_rank, giver.linear_rank),
    ):
        if own != given:
            raise _Impossible(f"has {own} {what}, layer {first} has {given}; share equal blocks")
    draft.after = layer.model_copy(update={"ffn_of": first})
    draft.actions.append(f"uses the FFN of layer {first}")


def _prune_heads(operation: PruneHeads, draft: _Draft, model: _Model) -> None:
    layer = _with_attention(draft)
    if model.heads_share_a_bias:
        raise _Impossible(
            "cannot lose heads: its attention adds a bias that all layers share, head by head; "
            "delete the block or its FFN instead"
        )
    heads = operation.kept(layer.heads)
    if heads > layer.heads:
        raise _Impossible(f"has {layer.heads} heads, fewer than {heads}")
    draft.after = layer.model_copy(update={"heads": heads})
    draft.actions.append(
        f"attention heads {layer.heads} -> {heads} by {operation.criterion}"
        if heads < layer.heads
        else f"{heads} attention heads already"
    )


def _drop_attention(operation: DropAttention, draft: _Draft, model: _Model) -> None:
    layer = _with_attention(draft)
    norm = layer.attention_norm and operation.layer_norm == "keep"
    draft.after = layer.model_copy(update={"heads": 0, "attention_norm": norm})
    draft.actions.append("attention deleted" if norm else "attention and its LayerNorm deleted")


def _drop_layer(operation: DropLayer, draft: _Draft, model: _Model) -> None:
    _present(draft)
    if users := _users(draft, model):
        raise _Impossible(f"gives its FFN block to layer {users[0]}; delete it before they share")
    draft.after = None
    draft.actions.append("layer deleted")


_EFFECTS: dict[str, Callable[[Any, _Draft, _Model], None]] = {
    "drop_ffn": _drop_ffn,
    "resize_ffn": _resize_ffn,
    "scale_ffn": _scale_ffn,
    "share_ffn": _share_ffn,
    "prune_heads": _prune_heads,
    "drop_attention": _drop_attention,
    "drop_layer": _drop_layer,
}


def _present(draft: _Draft) -> LayerFacts:
    if draft.after is None:
        raise _Impossible("is deleted by an earlier step")
    return draft.after


def _with_attention(draft: _Draft) -> LayerFacts:
    layer = _present(draft)
    if layer.heads == 0:
        raise _Impossible("has no attention block")
    return layer


def _with_ffn(draft: _Draft) -> LayerFacts:
    layer = _present(draft)
    if layer.intermediate_size == 0:
        when = "any more after an earlier step" if draft.before.intermediate_size else ""
        raise _Impossible(f"has no FFN block {when}".rstrip())
    return layer


def _with_own_ffn(draft: _Draft, model: _Model) -> LayerFacts:
    layer = _with_ffn(draft)
    partners = _users(draft, model) if layer.ffn_of is None else [layer.ffn_of]
    if partners:
        raise _Impossible(f"shares its FFN block with layer {partners[0]}; change it before that")
    return layer


def _users(draft: _Draft, model: _Model) -> list[int]:
    """Return the layers that use the FFN block of this one."""
    return [
        other.number
        for other in model.drafts
        if other.after is not None and other.after.ffn_of == draft.number
    ]


def _fitting_rank(rank: int, model: _Model) -> int:
    if rank > model.hidden_size:
        raise _Impossible(f"has a hidden size of {model.hidden_size}, less than rank {rank}")
    return rank


def _linear_map(rank: int, model: _Model) -> str:
    return "a linear map" if rank == model.hidden_size else f"a linear map of rank {rank}"


def _rows(drafts: list[_Draft], facts: ModelFacts, length: int) -> tuple[LayerPlan, ...]:
    rows: list[LayerPlan] = []
    slim_numbers: dict[int, int] = {}
    for number, draft in enumerate(drafts):
        after = draft.after
        if after is not None:
            slim_numbers[number] = len(slim_numbers)
            if after.ffn_of is not None:
                after = after.model_copy(update={"ffn_of": slim_numbers[after.ffn_of]})
        rows.append(
            LayerPlan(
                layer=number,
                slim_layer=slim_numbers.get(number),
                before=draft.before,
                after=after,
                actions=tuple(draft.actions),
                parameters_before=layer_parameters(facts, draft.before),
                parameters_after=layer_parameters(facts, after) if after else 0,
                macs_before=layer_macs(facts, draft.before, length),
                macs_after=layer_macs(facts, after, length) if after else 0,
            )
        )
    return tuple(rows)


def _is_even(layers: list[LayerFacts], facts: ModelFacts) -> bool:
    whole = LayerFacts(
        heads=facts.hidden_size // facts.head_size, intermediate_size=layers[0].intermediate_size
    )
    return whole.intermediate_size > 0 and all(layer == whole for layer in layers)
