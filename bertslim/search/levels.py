"""The levels that each block of a model may have, and recipes for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bertslim.errors import RecipeError
from bertslim.recipe.parameters import nearest_share
from bertslim.recipe.plan import CutPlan, make_plan
from bertslim.recipe.recipe_files import LoadedRecipe
from bertslim.recipe.schema import Recipe
from bertslim.recipe.source import Location, RecipeSource
from bertslim.records import Block, ModelFacts
from bertslim.search.level_groups import GROUPS, Kind

CRITERION = "kfac_obs"
HEAD_CRITERION = "obs"
WIDTHS = (0.75, 0.5, 0.375, 0.25, 0.125, 0.0625)  # of the neurons
HEADS = (0.75, 0.5, 0.25)  # of the heads
REFINE = 200  # steps for each narrowed block, as shipped recipes have it
_NAME = "found"


@dataclass(frozen=True)
class Level:
    """A level of a block: its size, or what stands in its place.

    Attributes:
        block: Which of the two blocks of a layer.
        kind: It is kept, narrowed to fewer neurons or heads, replaced by a linear map, or deleted.
        size: Neurons or heads that are left; 0 where none are.
    """

    block: Block
    kind: Kind
    size: int = 0

    def __str__(self) -> str:
        if self.kind in ("linear", "deleted"):
            return {"linear": "linear map", "deleted": "deleted"}[self.kind]
        unit = "neurons" if self.block == "ffn" else "heads"
        return f"{self.size} {unit if self.size > 1 else unit[:-1]}"

    @property
    def operation(self) -> dict[str, Any] | None:
        """The operation of a recipe that makes it so, without its layers; None: none is needed."""
        if self.kind == "kept":
            return None
        if self.block == "attention":
            if self.kind == "deleted":
                return {"op": "drop_attention"}
            return {"op": "prune_heads", "heads": self.size, "criterion": HEAD_CRITERION}
        if self.kind == "narrowed":
            return {"op": "resize_ffn", "width": self.size, "criterion": CRITERION}
        return {"op": "drop_ffn", "fill": "linear" if self.kind == "linear" else "none"}


@dataclass(frozen=True)
class LayerLevels:
    """The levels of the two blocks of a layer."""

    attention: Level
    ffn: Level

    def __str__(self) -> str:
        return f"attention {self.attention}, FFN {self.ffn}"

    @property
    def levels(self) -> tuple[Level, Level]:
        """Both of them."""
        return self.attention, self.ffn

    def at(self, level: Level) -> LayerLevels:
        """Return them with the block of a level at that level."""
        if level.block == "attention":
            return LayerLevels(level, self.ffn)
        return LayerLevels(self.attention, level)


Configuration = tuple[LayerLevels | None, ...]
"""The levels of each layer, from the bottom up; None: it is deleted."""


@dataclass(frozen=True)
class LayerChoices:
    """The levels that a layer may have.

    Attributes:
        attention: The levels of its attention block; the first one keeps it.
        ffn: The same of its FFN block.
        may_go: Whether the layer may be deleted.
    """

    attention: tuple[Level, ...]
    ffn: tuple[Level, ...]
    may_go: bool

    @property
    def kept(self) -> LayerLevels:
        """The layer as it is."""
        return LayerLevels(self.attention[0], self.ffn[0])

    @property
    def narrow_attention(self) -> tuple[Level, ...]:
        """The levels of its attention that keep some heads, from the most on."""
        return tuple(level for level in self.attention if level.kind == "narrowed")

    @property
    def narrow_ffn(self) -> tuple[Level, ...]:
        """The levels of its FFN block that keep some neurons, from the most on."""
        return tuple(level for level in self.ffn if level.kind == "narrowed")

    @property
    def levels(self) -> tuple[Level, ...]:
        """All levels of both blocks that change it."""
        return (*self.attention[1:], *self.ffn[1:])

    def every(self) -> Iterator[LayerLevels | None]:
        """Yield all combinations; that which keeps the layer comes first."""
        for attention in self.attention:
            for ffn in self.ffn:
                yield LayerLevels(attention, ffn)
        if self.may_go:
            yield None


def limited(choices: LayerChoices, groups: Sequence[str]) -> LayerChoices:
    """Return only some of the levels of a layer, and those that keep it.

    Args:
        choices: The levels that the layer may have.
        groups: Of GROUPS; none: all of them.
    """
    if not groups:
        return choices
    allowed = {GROUPS[name] for name in groups}

    def left(levels: Sequence[Level]) -> tuple[Level, ...]:
        return (levels[0], *(one for one in levels[1:] if (one.block, one.kind) in allowed))

    may_go = choices.may_go and GROUPS["no-layer"] in allowed
    return LayerChoices(left(choices.attention), left(choices.ffn), may_go)


def possible_choices(facts: ModelFacts) -> tuple[LayerChoices, ...]:
    """Return the levels that each layer of a model may have, as far as recipes can express them."""
    return tuple(_choices_of(facts, number) for number in range(len(facts.layers)))


def _choices_of(facts: ModelFacts, number: int) -> LayerChoices:
    layer = facts.layers[number]
    widths = (nearest_share(share, layer.intermediate_size) for share in WIDTHS)
    heads = (max(1, round(share * layer.heads)) for share in HEADS)
    ffn = [
        *(Level("ffn", "narrowed", width) for width in widths if width < layer.intermediate_size),
        Level("ffn", "linear"),
        Level("ffn", "deleted"),
    ]
    attention = [
        *(Level("attention", "narrowed", left) for left in heads if left < layer.heads),
        Level("attention", "deleted"),
    ]

    def possible(levels: Sequence[Level]) -> Iterator[Level]:
        for level in dict.fromkeys(levels):
            assert level.operation is not None  # noqa: S101
            if fits({**level.operation, "layers": [number]}, facts):
                yield level

    return LayerChoices(
        (Level("attention", "kept", layer.heads), *possible(attention)),
        (Level("ffn", "kept", layer.intermediate_size), *possible(ffn)),
        may_go=fits({"op": "drop_layer", "layers": [number]}, facts),
    )


def fits(step: dict[str, Any], facts: ModelFacts) -> bool:
    """Whether a model can be cut by an operation."""
    try:
        make_plan(loaded(Recipe.model_validate(_raw([step], samples=1))), facts)
    except RecipeError:
        return False
    return True


def recipe_of(
    configuration: Configuration, *, samples: int, name: str = _NAME, description: str = ""
) -> Recipe:
    """Return the recipe of a configuration: an operation for all layers that it is the same for.

    Args:
        configuration: The levels of each layer; at least one block changes.
        samples: How many texts the repair is solved from.
        name: Of the recipe.
        description: What it is for.
    """
    raw = _raw(steps_of(configuration), samples=samples, name=name)
    return Recipe.model_validate(raw | ({"description": description} if description else {}))


def steps_of(configuration: Configuration) -> list[dict[str, Any]]:
    """Return the operations of a configuration, each with the numbers of its layers."""
    steps: dict[tuple[tuple[str, Any], ...], list[int]] = {}
    for number, levels in enumerate(configuration):
        operations = (
            [{"op": "drop_layer"}]
            if levels is None
            else [level.operation for level in levels.levels if level.operation]
        )
        for operation in operations:
            steps.setdefault(tuple(operation.items()), []).append(number)
    return [_step(dict(operation), layers) for operation, layers in steps.items()]


def _step(operation: dict[str, Any], layers: list[int]) -> dict[str, Any]:
    return {"op": operation.pop("op"), "layers": layers, **operation}


def _raw(steps: list[dict[str, Any]], *, samples: int, name: str = _NAME) -> dict[str, Any]:
    narrows = any(step["op"] in ("resize_ffn", "prune_heads") for step in steps)
    return {
        "version": 1,
        "name": name,
        "surgery": steps,
        "reconstruct": {"samples": samples} | ({"refine": REFINE} if narrows else {}),
    }


def loaded(recipe: Recipe) -> LoadedRecipe:
    """Return a recipe as if it were read from a file of its name."""
    here: dict[Location, tuple[int, int]] = {(): (1, 1)}
    return LoadedRecipe(recipe, RecipeSource(recipe.name, recipe.model_dump(), here, here))


def plan_of(configuration: Configuration, facts: ModelFacts, *, samples: int = 1) -> CutPlan:
    """Work out the recipe of a configuration for a model."""
    return make_plan(loaded(recipe_of(configuration, samples=samples)), facts)
