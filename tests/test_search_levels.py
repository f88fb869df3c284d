"""What may become of each block, and the recipes that make it so."""

from __future__ import annotations

from pathlib import Path

import pytest

from bertslim.recipe.plan import make_plan
from bertslim.recipe.recipe_files import load_recipe
from bertslim.search.levels import (
    LayerLevels,
    Level,
    loaded,
    plan_of,
    possible_choices,
    recipe_of,
)
from support.checkpoints import facts_of


def test_every_choice_can_be_cut(tiny_model) -> None:
    facts = facts_of(tiny_model("bert", "SequenceClassification"))
    choices = possible_choices(facts)
    assert [str(level) for level in choices[1].ffn] == [
        "64 neurons", "48 neurons", "32 neurons", "24 neurons", "16 neurons", "8 neurons",
        "linear map", "deleted",
    ]  # fmt: skip
    assert [str(level) for level in choices[1].attention] == [
        "4 heads", "3 heads", "2 heads", "1 head", "deleted",
    ]  # fmt: skip
    assert choices[1].may_go
    kept = [layer.kept for layer in choices]
    for levels in list(choices[1].every())[1:]:
        plan = plan_of((kept[0], levels, *kept[2:]), facts)
        after = plan.record.layers[1].after
        if levels is None:
            assert after is None
            continue
        assert after is not None
        assert after.heads == levels.attention.size
        assert after.intermediate_size == levels.ffn.size
        assert bool(after.linear_rank) == (levels.ffn.kind == "linear")


@pytest.mark.parametrize(
    ("model_type", "changes", "narrowed"),
    [
        ("mpnet", {}, True),
        ("eurobert", {"num_key_value_heads": 2}, False),
        ("modernbert", {}, True),
    ],
)
def test_what_a_family_cannot_lose_is_no_choice(
    model_type: str, changes: dict[str, int], narrowed: bool, tiny_model
) -> None:
    choices = possible_choices(facts_of(tiny_model(model_type, **changes)))
    kinds = {level.kind for level in choices[1].attention}
    assert ("narrowed" in kinds) == narrowed
    assert choices[1].may_go


def test_a_recipe_names_the_layers_of_each_level_and_reads_back(tmp_path: Path, tiny_model) -> None:
    facts = facts_of(tiny_model("bert"))
    heads, half = Level("attention", "narrowed", 2), Level("ffn", "narrowed", 32)
    first = possible_choices(facts)[0].kept
    configuration = (
        LayerLevels(heads, half),
        None,
        LayerLevels(first.attention, Level("ffn", "linear")),
        LayerLevels(heads, half),
    )
    recipe = recipe_of(configuration, samples=64)
    assert [step.model_dump(exclude_defaults=True)["layers"] for step in recipe.surgery] == [
        [0, 3], [0, 3], [1], [2],
    ]  # fmt: skip
    path = tmp_path / "found.yaml"
    path.write_text(recipe.to_yaml())
    read = load_recipe(str(path))
    assert read.recipe == recipe
    assert make_plan(read, facts).record == make_plan(loaded(recipe), facts).record
