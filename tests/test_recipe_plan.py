"""Recipe + facts -> plan: the layers, their order, the sizes, and all problems at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bertslim.errors import RecipeError
from bertslim.model.families import FAMILIES
from bertslim.recipe.operations import OPERATIONS, LayerOperation
from bertslim.recipe.plan import make_plan
from bertslim.recipe.recipe_files import LoadedRecipe, load_recipe
from bertslim.recipe.sizes import count
from bertslim.records import StepPlan, VocabularyPlan
from support.operation_strategies import operations_as_dicts
from support.plans import NO_FFN, WHOLE, after, make_facts, problems_of


@pytest.fixture
def recipe(write_recipe: Callable[[str], str]) -> Callable[[str], LoadedRecipe]:
    """Return a function that reads the surgery of mine.yaml; its first step is in line 4."""
    return lambda surgery: load_recipe(
        write_recipe(f"version: 1\nname: mine\nsurgery:\n{surgery}\n")
    )


def test_drop_odd() -> None:
    plan = make_plan(load_recipe("drop_odd"), make_facts()).record
    assert plan.steps == (StepPlan(op="drop_ffn", layers=(1, 3, 5)),)
    assert after(plan) == [WHOLE, NO_FFN] * 3
    assert [row.actions for row in plan.layers] == [(), ("FFN deleted",)] * 3
    assert [row.slim_layer for row in plan.layers] == [0, 1, 2, 3, 4, 5]
    assert not plan.even


def test_a_step_has_its_operation_and_its_layers(recipe) -> None:
    loaded = recipe("- {op: prune_vocab}\n- {op: drop_ffn, layers: odd}")
    plan = make_plan(loaded, make_facts())
    assert plan.recipe is loaded.recipe
    assert tuple(step.operation for step in plan.steps) == loaded.recipe.surgery
    assert [step.layers for step in plan.steps] == [(), (1, 3, 5)]
    assert plan.record.model_dump(mode="json")["steps"] == [
        {"op": "prune_vocab", "layers": []},
        {"op": "drop_ffn", "layers": [1, 3, 5]},
    ]


@pytest.mark.parametrize(
    ("name", "even"),
    [
        ("drop_odd", False),
        ("drop_even", False),
        ("drop_all", False),
        ("drop_top_half", False),
        ("keep_every_third", False),
        ("quarter_width_odd", False),
        ("halve_width", True),
        ("scale_half", True),
        ("drop_top_layers", True),
        ("vocab_to_corpus", True),
        ("drop_odd_repaired", False),
        ("drop_odd_linear", False),
        ("linear_all", False),
        ("narrow_odd", False),
        ("quarter_width_repaired", True),
        ("eighth_width", False),
        ("prune_half_heads", False),
        ("quarter_width_half_heads_trained", False),
    ],
)
def test_which_shipped_recipes_a_stock_class_can_express(name: str, even: bool) -> None:
    assert make_plan(load_recipe(name), make_facts()).record.even == even


def test_numbers_stay_those_of_the_base_after_a_layer_is_dropped(recipe) -> None:
    surgery = "- {op: drop_layer, layers: [0, 3]}\n- {op: drop_ffn, layers: [1, -1]}"
    plan = make_plan(recipe(surgery), make_facts()).record
    assert plan.steps[1].layers == (1, 5)
    assert after(plan) == [None, NO_FFN, WHOLE, None, WHOLE, NO_FFN]
    assert [row.layer for row in plan.layers] == [0, 1, 2, 3, 4, 5]
    assert [row.slim_layer for row in plan.layers] == [None, 0, 1, None, 2, 3]
    assert plan.slim_layers == (NO_FFN, WHOLE, WHOLE, NO_FFN)


def test_a_bypass_in_every_layer_is_uneven(recipe) -> None:
    surgery = "- {op: resize_ffn, layers: all, width: 8, bypass: true}\nreconstruct: {}"
    assert not make_plan(recipe(surgery), make_facts()).record.even


def test_a_recipe_that_changes_nothing_is_even(recipe) -> None:
    plan = make_plan(recipe("- {op: resize_ffn, layers: all, width: 64}"), make_facts()).record
    assert plan.even
    assert plan.base == plan.slim


def test_layers_without_attention_alone_are_uneven_too(recipe) -> None:
    plan = make_plan(recipe("- {op: drop_attention, layers: all}"), make_facts()).record
    assert not plan.even


def test_what_is_uneven_can_become_even_again(recipe) -> None:
    facts = make_facts(layers=(WHOLE, NO_FFN, WHOLE))
    assert not make_plan(recipe("- {op: scale_ffn, layers: 0, gain: 2}"), facts).record.even
    assert make_plan(recipe("- {op: drop_layer, layers: 1}"), facts).record.even


def test_all_problems_come_at_once_in_the_order_of_the_file(recipe) -> None:
    surgery = """- {op: drop_layer, layers: 0}
- {op: resize_ffn, layers: [0, 1], width: 99}
- {op: drop_ffn, layers: 12}
- {op: drop_ffn, layers: odd}
- {op: scale_ffn, layers: 5, gain: 2.0}"""
    assert problems_of(recipe(surgery)) == [
        "mine.yaml:5:28: layers: layer 0 is deleted by an earlier step",
        "mine.yaml:5:28: layers: layer 1 has 64 neurons, fewer than width 99",
        "mine.yaml:6:26: layers: layer 12 does not exist: the model has layers 0 to 5",
        "mine.yaml:8:27: layers: layer 5 has no FFN block any more after an earlier step",
    ]


def test_a_selector_that_needs_measuring_is_refused_here(recipe) -> None:
    [problem] = problems_of(recipe("- {op: drop_ffn, layers: least_important 2}"))
    assert problem == (
        "mine.yaml:4:26: layers: 'least_important 2' is measured on data; give --data and leave "
        "--dry-run out, or name the layers"
    )


def test_with_measured_importance_it_is_resolved(recipe) -> None:
    loaded = recipe("- {op: drop_ffn, layers: least_important 2}\n- {op: drop_layer, layers: 0}")
    assert loaded.recipe.needs_importance
    importance = [0.3, 0.1, math.inf, 0.2, *[1.0] * 20][: len(make_facts().layers)]
    assert make_plan(loaded, make_facts(), importance=importance).record.steps[0].layers == (1, 3)


def test_the_rows_add_up_to_the_whole(recipe) -> None:
    facts = make_facts()
    surgery = "- {op: drop_layer, layers: 0}\n- {op: resize_ffn, layers: 1-2, width: 8}"
    plan = make_plan(recipe(surgery), facts, length=20).record
    assert plan.length == 20
    rows = plan.layers
    assert plan.base.encoder == sum(row.parameters_before for row in rows)
    assert plan.slim.encoder == sum(row.parameters_after for row in rows)
    assert plan.base.macs - plan.slim.macs == sum(row.macs_before - row.macs_after for row in rows)
    assert (rows[0].parameters_after, rows[0].macs_after) == (0, 0)


FRACTIONS = st.floats(0.01, 0.99)
PARAMETERS = {
    "layers": st.lists(st.integers(0, 3), min_size=1, max_size=3, unique=True),
    "width": st.one_of(st.integers(1, 64), st.just(24), FRACTIONS),
    "heads": st.one_of(st.integers(1, 4), FRACTIONS),
    "rank": st.integers(1, 32),
    "bypass": st.sampled_from([False, True, 8]),
    "gain": st.sampled_from([0.5, -2.0, "fit"]),
    "criterion": st.just("magnitude"),  # the others are measured on data
}
"""What fits the layers of a tiny model."""
LAYER_OPERATIONS = [each for each in OPERATIONS.values() if issubclass(each, LayerOperation)]
STEPS = st.lists(operations_as_dicts(LAYER_OPERATIONS, PARAMETERS), min_size=1, max_size=4)


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(steps=STEPS, model_type=st.sampled_from(list(FAMILIES)))
def test_what_is_planned_is_what_is_cut(
    steps: list[dict[str, Any]], model_type: str, make_recipe, tiny_model
) -> None:
    """Any recipe is refused, or its plan counts what the cut model really holds."""
    from bertslim.measure.size import count_parameters
    from bertslim.model.config_facts import read_facts
    from bertslim.surgery.layer_surgery import operate

    model = tiny_model(model_type)
    facts = read_facts(model.config.to_dict())
    for step in steps:
        if step["op"] == "prune_heads":
            step["criterion"] = "magnitude"  # left out, it is measured on data
    loaded = make_recipe(*steps, reconstruct={"samples": 1})
    try:
        made = make_plan(loaded, facts)
    except RecipeError:
        return
    plan = made.record
    assert plan.base == count(facts, facts.layers, plan.length)
    operate(model, made)
    counts = count_parameters(model)
    assert counts.total == plan.slim.parameters
    assert counts.encoder == plan.slim.encoder
    assert counts.layers == tuple(row.parameters_after for row in plan.layers if row.after)


def test_the_vocabulary_is_open_until_the_data_are_read(recipe) -> None:
    from bertslim.surgery.layer_surgery import operate

    loaded = recipe("- {op: prune_vocab}\n- {op: drop_ffn, layers: 0}")
    facts = make_facts()
    made = make_plan(loaded, facts)
    open_plan = made.record
    assert open_plan.vocabulary == VocabularyPlan(before=99, after=None)
    assert open_plan.steps == (
        StepPlan(op="prune_vocab", layers=()),
        StepPlan(op="drop_ffn", layers=(0,)),
    )
    assert open_plan.slim.embeddings == open_plan.base.embeddings
    with pytest.raises(ValueError, match="when the vocabulary is known"):
        operate(None, made)  # type: ignore[arg-type]
    pruned = make_facts(vocab_size=40, embedding_parameters=600, head_parameters=150)
    plan = make_plan(loaded, facts, pruned=pruned).record
    assert plan.vocabulary == VocabularyPlan(before=99, after=40)
    assert plan.base == open_plan.base
    assert plan.slim.embeddings == 600
    assert plan.slim.parameters == open_plan.slim.parameters - 400 - 50
    assert make_plan(load_recipe("drop_odd"), facts).record.vocabulary is None
