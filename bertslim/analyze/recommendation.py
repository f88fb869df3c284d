"""What to do with a model by what was found out about it, in words and as a recipe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bertslim.recipe.schema import Recipe
from bertslim.records import Cka, Effect, ModelFacts, Probes, Recommendation, Sensitivity
from bertslim.wording import listed

NAME = "recommended"
SPARED = 0.1  # of the damage of all drops together, what those that are dropped may do
_ENOUGH = 0.01  # by how much a probe may fall short of the best one
_KEPT = 0.25


def recommend(
    facts: ModelFacts, sensitivity: Sensitivity, cka: Cka, probes: Probes | None
) -> Recommendation:
    """Drop the FFN blocks that matter least, keep a quarter of the neurons of the others, repair.

    Blocks are dropped from the one that matters least on, while what they do alone adds up to at
    most SPARED of what all do. Dropped blocks leave a linear map of their input, which repair
    solves as it solves the maps of the narrowed ones.

    Args:
        facts: The shape of the model.
        sensitivity: What each block is worth.
        cka: How alike its layers are.
        probes: What can be read from them.
    """
    dropped = _dropped(sensitivity)
    narrowed = [
        effect.layer
        for effect in sensitivity.of_kind("halve_ffn")
        if effect.layer not in dropped and _is_its_own(facts, effect.layer)
    ]
    reasons = (
        *_on_damage(sensitivity),
        *_on_clusters(cka),
        *_on_probes(probes),
        *_on_the_recipe(dropped, narrowed),
    )
    return Recommendation(reasons=reasons, recipe=_recipe(dropped, narrowed))


def _dropped(sensitivity: Sensitivity) -> list[int]:
    drops = sorted(sensitivity.of_kind("drop_ffn"), key=lambda effect: effect.damage)
    left = SPARED * sum(effect.damage for effect in drops)
    dropped = []
    for effect in drops:
        left -= effect.damage
        if left < 0:
            break
        dropped.append(effect.layer)
    return sorted(dropped)


def _is_its_own(facts: ModelFacts, number: int) -> bool:
    """Whether no other layer uses the block of a layer, nor the layer that of another."""
    users = {layer.ffn_of for layer in facts.layers}
    return facts.layers[number].ffn_of is None and number not in users


def _recipe(dropped: Sequence[int], narrowed: Sequence[int]) -> dict[str, Any]:
    steps: list[dict[str, Any]] = []
    if dropped:
        steps.append({"op": "drop_ffn", "layers": list(dropped), "fill": "linear"})
    if narrowed:
        steps.append(
            {"op": "resize_ffn", "layers": list(narrowed), "width": _KEPT, "criterion": "fisher"}
        )
    raw = {
        "version": 1,
        "name": NAME,
        "description": "What bertslim analyze recommends; needs texts.",
        "surgery": steps,
        "reconstruct": {},
    }
    Recipe.model_validate(raw)
    return raw


def _on_damage(sensitivity: Sensitivity) -> Iterator[str]:
    drops = sorted(sensitivity.of_kind("drop_ffn"), key=lambda effect: effect.damage)
    if drops:
        yield (
            f"Of the FFN blocks that of layer {drops[0].layer} matters least and that of layer "
            f"{drops[-1].layer} most: without it the answers change by {_amount(drops[0])} and "
            f"{_amount(drops[-1])} ({sensitivity.measure})"
        )
    halves = {effect.layer: effect.damage for effect in sensitivity.of_kind("halve_ffn")}
    both = [(effect.damage, halves[effect.layer]) for effect in drops if effect.layer in halves]
    whole = sum(drop for drop, _ in both)
    if both and whole > 0:
        share = sum(half for _, half in both) / whole
        yield f"Half of the neurons of a block do {1 - share:.0%} of what it does, on average"
    attention = sensitivity.of_kind("drop_attention")
    if attention and drops:
        ratio = sum(effect.damage for effect in attention) / max(
            sum(effect.damage for effect in drops), 1e-12
        )
        kind = "more" if ratio >= 1 else "less"
        yield (
            f"Without its attention, a layer loses {ratio:.2g} times as much as without its FFN "
            f"block: attention is {kind} of what this model does"
        )


def _on_clusters(cka: Cka) -> Iterator[str]:
    matrix = cka.find("base", "base", "ffn")
    if matrix is None or not matrix.clusters:
        return
    shown = [f"{cluster.name} (CKA {cluster.within:.2f})" for cluster in matrix.clusters]
    if len(shown) == 1:
        yield f"By CKA the layers form no clusters: {shown[0]}"
    else:
        yield f"By CKA the layers form {len(shown)} clusters: {listed(shown)}"


def _on_probes(probes: Probes | None) -> Iterator[str]:
    if probes is None:
        return
    points = [
        point for point in probes.points if point.model == "base" and point.site.block == "ffn"
    ]
    best = max(points, key=lambda point: point.score)
    first = next(point for point in points if point.score >= best.score - _ENOUGH)
    yield (
        f"What the labels need can be read best after layer {best.site.layer} ({probes.metric} "
        f"{best.score:.1%}), and as well but for a point after layer {first.site.layer}"
    )


def _on_the_recipe(dropped: Sequence[int], narrowed: Sequence[int]) -> Iterator[str]:
    if dropped:
        yield (
            f"The recipe puts a linear map in the place of the FFN blocks of layers "
            f"{listed([str(layer) for layer in dropped])}"
        )
    if narrowed:
        yield (
            f"It keeps a quarter of the neurons of those of layers "
            f"{listed([str(layer) for layer in narrowed])}, and repairs all of it in closed form"
        )


def _amount(effect: Effect) -> str:
    return f"{effect.damage:.2g}"
