"""The preparation of a cut, from `config.json` and the recipe alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bertslim.errors import InputError
from bertslim.model.description import describe_checkpoint
from bertslim.model.model_source import ModelSource, find_model
from bertslim.options.cut import CutOptions
from bertslim.recipe.plan import CutPlan, make_plan
from bertslim.recipe.recipe_files import LoadedRecipe, load_recipe
from bertslim.recipe.sizes import DEFAULT_LENGTH
from bertslim.records import ModelFacts


@dataclass(frozen=True)
class Prepared:
    """A cut that is prepared but not carried out; no weight has been read.

    Attributes:
        source: Where the base is.
        recipe: The recipe to apply.
        config: The content of its `config.json`.
        facts: Its shape.
        length: Tokens at which MACs are counted.
        notes: What `config.json` says otherwise than the weights, a line each.
    """

    source: ModelSource
    recipe: LoadedRecipe
    config: dict[str, Any]
    facts: ModelFacts
    length: int
    notes: tuple[str, ...] = ()

    def plan(
        self, *, pruned: ModelFacts | None = None, importance: Sequence[float] | None = None
    ) -> CutPlan:
        """Make the plan of each layer.

        Args:
            pruned: The shape of the base with only the tokens that stay, once that is known.
            importance: The importance of each layer, once that is measured.

        Raises:
            RecipeError: The recipe does not fit the model.
        """
        return make_plan(
            self.recipe, self.facts, length=self.length, pruned=pruned, importance=importance
        )

    @property
    def default_output(self) -> Path:
        """`./<model>-<recipe>`."""
        return Path(f"{self.source.name}-{self.recipe.recipe.name}")


def prepare_cut(options: CutOptions, *, weights: bool = False) -> Prepared:
    """Find the model, read the recipe, and check that they fit, as far as no data are needed.

    Args:
        options: The model and the recipe; MACs are counted at the first length that is measured.
        weights: Whether the weights will be needed, and must be fetched.

    Raises:
        InputError: No recipe is named.
        RecipeError: The recipe is malformed or does not fit the model.
        ModelError: There is no such checkpoint, or its family is not supported.
    """
    if options.recipe is None:
        raise InputError(
            "no recipe is named",
            where="--recipe",
            remedy="name one of `bertslim recipes list` or a file, or say what is needed, such as "
            "--target-latency 0.5x",
        )
    loaded = load_recipe(options.recipe)
    source = find_model(options.model, weights=weights)
    described = describe_checkpoint(source.directory, config_only=not weights)
    lengths = options.measure.lengths if options.measure else ()
    length = lengths[0] if lengths else min(DEFAULT_LENGTH, described.facts.max_length)
    prepared = Prepared(source, loaded, described.config, described.facts, length, described.notes)
    if not (weights and loaded.recipe.needs_importance):
        prepared.plan()
    return prepared
