"""Shapes of small models, and what is wrong with a recipe for them."""

from __future__ import annotations

from typing import Any

import pytest

from bertslim.errors import RecipeError
from bertslim.recipe.plan import make_plan
from bertslim.recipe.recipe_files import LoadedRecipe
from bertslim.records import LayerFacts, ModelFacts, Plan

WHOLE = LayerFacts(heads=4, intermediate_size=64)
NO_FFN = LayerFacts(heads=4, intermediate_size=0)


def make_facts(**changes: Any) -> ModelFacts:
    values: dict[str, Any] = {
        "model_type": "bert",
        "architecture": "BertModel",
        "head": "",
        "hidden_size": 32,
        "head_size": 8,
        "vocab_size": 99,
        "max_length": 40,
        "labels": 2,
        "pooler": True,
        "dtype": "float32",
        "embedding_parameters": 1000,
        "shared_parameters": 0,
        "head_parameters": 200,
        "macs_per_token": 30,
        "macs_per_sequence": 400,
        "layers": (WHOLE,) * 6,
    }
    return ModelFacts(**values | changes)


def after(plan: Plan) -> list[LayerFacts | None]:
    return [row.after for row in plan.layers]


def problems_of(loaded: LoadedRecipe, facts: ModelFacts | None = None) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        make_plan(loaded, facts or make_facts())
    return caught.value.problems
