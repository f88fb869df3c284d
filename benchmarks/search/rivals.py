"""The models that a search is compared with, and those that it found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bertslim.recipe.recipe_files import load_recipe
from bertslim.recipe.schema import Recipe, Reconstruct
from bertslim.records import Frontier
from bertslim.search.levels import CRITERION, REFINE

FOUND = "search"
RANDOM = "random search"
UNIFORM = "one width"
SHIPPED = "shipped recipe"
FEWER = "top layers deleted"
SMALLER = "smaller model"


@dataclass(frozen=True)
class Rival:
    """A model that is measured.

    Attributes:
        group: How it was chosen.
        name: Of it within the group.
        recipe: What it is cut by, and trained; None: it is taken as it is.
        model: What is cut, or taken as it is.
    """

    group: str
    name: str
    recipe: Recipe | None
    model: Path

    @property
    def key(self) -> str:
        """What tells it from others, also as the name of a folder."""
        return f"{self.group}-{self.name}".replace(" ", "-")

    @property
    def is_trained(self) -> bool:
        """Whether it is trained after its cut."""
        return self.recipe is not None and self.recipe.retrain is not None


def found(frontier: Frontier, shares: Sequence[float], base: Path) -> Iterator[Rival]:
    """Yield what a search took for the best within some shares of the base's time.

    Args:
        frontier: What was found.
        shares: By the latency table; where two have the same best point, it is yielded once.
        base: What was searched.
    """
    points = {}
    for share in shares:
        within = [
            point
            for point in frontier.points
            if point.predicted_ms <= share * frontier.table.base_ms
        ]
        if within:
            best = min(within, key=lambda point: (-point.texts, point.damage))
            points[best.name] = best
    for point in points.values():
        yield Rival(FOUND, point.name, Recipe.model_validate(point.recipe), base)


def uniform(widths: Sequence[float], base: Path, criterion: str = CRITERION) -> Iterator[Rival]:
    """Yield models with the same width in all layers, repaired and refined like what is found."""
    for width in widths:
        name = f"{width:g} of the neurons"
        name += "" if criterion == CRITERION else f" by {criterion}"
        step = {"op": "resize_ffn", "layers": "all", "width": width, "criterion": criterion}
        yield Rival(UNIFORM, name, _recipe("uniform", [step], {"refine": REFINE}), base)


def shipped(names: Sequence[str], base: Path) -> Iterator[Rival]:
    """Yield models cut by shipped recipes."""
    for name in names:
        yield Rival(SHIPPED, name, load_recipe(name).recipe, base)


def fewer_layers(counts: Sequence[int], base: Path) -> Iterator[Rival]:
    """Yield the base without so many of its upper layers, neither repaired nor trained."""
    for count in counts:
        step = {"op": "drop_layer", "layers": f"last {count}"}
        yield Rival(FEWER, f"{count} fewer", _recipe("fewer-layers", [step], None), base)


def trained(rival: Rival, minutes: float, group: str | None = None) -> Rival:
    """Return a cut model that is trained for some minutes after its repair.

    Args:
        rival: The cut.
        minutes: How long.
        group: Of what is returned; None: the same.
    """
    assert rival.recipe is not None
    raw = rival.recipe.model_dump(mode="json", exclude_none=True)
    recipe = Recipe.model_validate(raw | {"retrain": {"minutes": minutes}})
    name = f"{rival.name}, trained for {minutes:g} minutes"
    return Rival(group or rival.group, name, recipe, rival.model)


def _recipe(name: str, steps: list[dict[str, Any]], repair: dict[str, Any] | None) -> Recipe:
    raw: dict[str, Any] = {"version": 1, "name": name, "surgery": steps}
    if repair is not None:
        raw["reconstruct"] = {"samples": Reconstruct().samples, **repair}
    return Recipe.model_validate(raw)
