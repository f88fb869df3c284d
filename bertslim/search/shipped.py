"""Shipped recipes that can be carried out beside what a search makes, for comparison."""

from __future__ import annotations

from collections.abc import Iterator

from bertslim.errors import RecipeError
from bertslim.recipe.plan import CutPlan, make_plan
from bertslim.recipe.recipe_files import load_recipe
from bertslim.recipe.schema import Recipe
from bertslim.recipe.shipped_recipes import shipped_recipes
from bertslim.search.materials import Materials
from bertslim.surgery.survey import Survey, measured_rankings


def comparable_plans(materials: Materials, surveyed: Survey) -> Iterator[tuple[str, CutPlan]]:
    """Yield those that repair as a search does and need no more than it has measured.

    Args:
        materials: What they are carried out on.
        surveyed: What was measured of the base.
    """
    facts, length = materials.base.facts, materials.tokens
    for name in shipped_recipes():
        loaded = load_recipe(name)
        if not _repairs_alike(loaded.recipe, materials.samples):
            continue
        try:
            plan = make_plan(loaded, facts, length=length)
        except RecipeError:  # the model has not what the recipe cuts
            continue
        if _is_measured(plan, surveyed):
            yield name, plan


def _repairs_alike(recipe: Recipe, samples: int) -> bool:
    repair = recipe.reconstruct
    return (
        repair is not None
        and (repair.samples, repair.weights) == (samples, "variance")
        and recipe.retrain is None
        and recipe.vocabulary_step is None
        and not recipe.needs_importance
    )


def _is_measured(plan: CutPlan, surveyed: Survey) -> bool:
    """Whether all is ranked that has to be, down to as few neurons or heads as the recipe keeps."""
    for ranking, keep in measured_rankings(plan).items():
        scores = surveyed.scores.get(ranking)
        if scores is None or int((scores == scores.max()).sum()) > keep:
            return False
    return True
