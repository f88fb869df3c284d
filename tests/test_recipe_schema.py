"""What recipes hold, read back, and what it takes to carry them out."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bertslim.recipe.operations import OPERATIONS
from bertslim.recipe.recipe_files import load_recipe
from bertslim.recipe.schema import Distill, Recipe, Reconstruct, Retrain
from bertslim.recipe.selector_text import parse
from support.operation_strategies import operations_as_dicts

HEAD = "version: 1\nname: mine\nsurgery:\n"


layers = st.one_of(
    st.sampled_from(["odd", "all except every 3", "last half", "[1, odd]", "2-7"]),
    st.integers(-6, 30),
    st.lists(st.one_of(st.integers(-6, 30), st.just("middle 2")), min_size=1, max_size=4),
).map(parse)
operations = st.one_of(
    [
        operations_as_dicts([operation], {"layers": layers}).map(operation.model_validate)
        for operation in OPERATIONS.values()
    ]
)
recipes = st.builds(
    Recipe,
    version=st.just(1),
    name=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True),
    description=st.text(st.characters(codec="utf-8"), max_size=60),
    surgery=st.lists(operations, min_size=1, max_size=4).filter(
        lambda steps: sum(step.op == "prune_vocab" for step in steps) < 2
    ),
    reconstruct=st.builds(
        Reconstruct,
        samples=st.integers(1, 10**6),
        refit=st.sampled_from(["changed", "outputs", "all"]),
        weights=st.sampled_from(["variance", "fisher"]),
        refine=st.integers(0, 10**4),
    ),
    retrain=st.none()
    | st.builds(
        Retrain,
        steps=st.integers(1, 10**6),
        learning_rate=st.none() | st.floats(1e-9, 0.5),
        dropout=st.sampled_from(["keep", "off"]),
        patience=st.none() | st.integers(1, 10),
        distill=st.builds(Distill, hidden=st.floats(0, 10), labels=st.floats(0, 10)),
    ),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(recipe=recipes)
def test_a_recipe_reads_back_from_its_yaml_and_its_json(recipe, tmp_path):
    path = tmp_path / "again.yaml"
    path.write_text(recipe.to_yaml(), encoding="utf-8")
    assert load_recipe(str(path)).recipe == recipe
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe
    assert Recipe.model_validate(recipe.model_dump()) == recipe


@pytest.mark.parametrize("text", ["\x85", "a \u2028b", "\u2029", "one\ntwo"])
def test_any_line_break_in_a_description_reads_back(write_recipe, text):
    recipe = load_recipe("drop_odd").recipe.model_copy(update={"description": text})
    assert load_recipe(write_recipe(recipe.to_yaml())).recipe == recipe


def test_layers_are_stored_parsed_and_dumped_as_they_are_written():
    recipe = Recipe.model_validate(
        {
            "version": 1,
            "name": "mine",
            "surgery": [
                {"op": "drop_ffn", "layers": selector}
                for selector in ("all  except every 3", -1, [1, "last 2"])
            ],
        }
    )
    assert [step.layers.resolve(6) for step in recipe.surgery] == [(1, 2, 4, 5), (5,), (1, 4, 5)]
    dumped = [step["layers"] for step in json.loads(recipe.model_dump_json())["surgery"]]
    assert dumped == ["all except every 3", -1, [1, "last 2"]]


def test_a_recipe_cannot_be_changed():
    recipe = load_recipe("drop_odd").recipe
    with pytest.raises(ValidationError):
        recipe.name = "other"
    assert len({recipe, load_recipe("drop_odd").recipe}) == 1


@pytest.mark.parametrize(
    ("surgery", "needs"),
    [
        ("{op: drop_ffn, layers: odd}", False),
        ("{op: resize_ffn, layers: odd, width: 8, bypass: false}", False),
        ("{op: scale_ffn, layers: odd, gain: 2}", False),
        ("{op: share_ffn, layers: odd}", False),
        ("{op: resize_ffn, layers: odd, width: 8, criterion: obs}", True),
        ("{op: drop_layer, layers: 'all except [0, least_important half]'}", True),
    ],
)
def test_which_recipes_need_data(write_recipe, surgery, needs):
    assert load_recipe(write_recipe(f"{HEAD}  - {surgery}\n")).recipe.needs_data == needs
    repaired = load_recipe(write_recipe(f"{HEAD}  - {surgery}\nreconstruct: {{}}\n")).recipe
    assert repaired.needs_data
    assert repaired.reconstruct == Reconstruct(samples=1024)
    assert repaired.to_yaml().endswith(
        "reconstruct:\n  samples: 1024\n  refit: all\n  weights: variance\n  refine: 0\n"
        "  head: scale\n"
    )


def test_which_recipes_need_importance(write_recipe):
    surgery = "  - {op: prune_vocab}\n  - {op: drop_ffn, layers: odd}\n"
    assert not load_recipe(write_recipe(HEAD + surgery)).recipe.needs_importance
    weighed = "  - {op: drop_layer, layers: 'all except [0, least_important half]'}\n"
    assert load_recipe(write_recipe(HEAD + surgery + weighed)).recipe.needs_importance


def test_what_is_solved_needs_data(write_recipe):
    surgery = """\
  - {op: drop_ffn, layers: 0, fill: linear, rank: 0.25}
  - {op: drop_ffn, layers: 1, fill: attention}
  - {op: resize_ffn, layers: 2, width: 0.5, bypass: 16}
  - {op: scale_ffn, layers: 3, gain: fit}
"""
    recipe = load_recipe(write_recipe(f"{HEAD}{surgery}reconstruct: {{samples: 3}}\n")).recipe
    assert [step.solved_key for step in recipe.surgery] == ["fill", "fill", "bypass", "gain"]
    assert all(step.needs_data for step in recipe.surgery)


@pytest.mark.parametrize(
    ("sections", "criterion"),
    [
        ("", "magnitude"),
        ("reconstruct: {}\n", "obs"),
        ("retrain: {steps: 1}\n", "obs"),
        ("  - {op: resize_ffn, layers: 1, width: 8, criterion: fisher}\n", "obs"),
    ],
)
def test_heads_are_ranked_by_texts_where_the_recipe_needs_some(sections, criterion, write_recipe):
    recipe = load_recipe(
        write_recipe(f"{HEAD}  - {{op: prune_heads, layers: 0, heads: 1}}\n{sections}")
    )
    assert recipe.recipe.surgery[0].criterion is None
    assert recipe.recipe.steps[0].criterion == criterion
    assert recipe.recipe.needs_data == (criterion == "obs")


@pytest.mark.parametrize("criterion", ["magnitude", "fisher", "obs"])
def test_heads_are_ranked_as_the_recipe_says(criterion, write_recipe):
    step = f"  - {{op: prune_heads, layers: 0, heads: 1, criterion: {criterion}}}\n"
    recipe = load_recipe(write_recipe(HEAD + step)).recipe
    assert recipe.steps == recipe.surgery
    assert recipe.needs_data == (criterion != "magnitude")


def test_the_vocabulary_is_pruned_to_data(write_recipe):
    step = load_recipe(write_recipe(HEAD + "  - {op: prune_vocab, min_count: 3}\n")).recipe
    assert step.needs_data
    assert step.vocabulary_step.min_count == 3
    assert load_recipe("vocab_to_corpus").recipe.vocabulary_step.min_count == 1
    assert load_recipe("drop_odd").recipe.vocabulary_step is None
