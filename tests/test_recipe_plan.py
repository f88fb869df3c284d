"""Recipe + facts -> plan: golden cases, every way not to fit, and the counts."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bertslim.errors import RecipeError
from bertslim.recipe import plan as plan_module
from bertslim.recipe.plan import count, ffn_parameters, layer_macs, layer_parameters, make_plan
from bertslim.recipe.schema import OPERATIONS, LoadedRecipe, load_recipe
from bertslim.records import LayerFacts, ModelFacts, Plan, StepPlan, VocabularyPlan

WHOLE = LayerFacts(heads=4, intermediate_size=64)
NO_FFN = LayerFacts(heads=4, intermediate_size=0)


def make_facts(**changes: Any) -> ModelFacts:
    values = {
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


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], LoadedRecipe]:
    """Return a function that reads the surgery of mine.yaml; its first step is in line 4."""
    monkeypatch.chdir(tmp_path)

    def read(surgery: str) -> LoadedRecipe:
        Path("mine.yaml").write_text(f"version: 1\nname: mine\nsurgery:\n{surgery}\n")
        return load_recipe("mine.yaml")

    return read


def after(plan: Plan) -> list[LayerFacts | None]:
    return [row.after for row in plan.layers]


# What becomes of each layer


def test_drop_odd() -> None:
    plan = make_plan(load_recipe("drop_odd"), make_facts())
    assert plan.steps == (StepPlan(op="drop_ffn", layers=(1, 3, 5)),)
    assert after(plan) == [WHOLE, NO_FFN] * 3
    assert [row.actions for row in plan.layers] == [(), ("FFN deleted",)] * 3
    assert [row.slim_layer for row in plan.layers] == [0, 1, 2, 3, 4, 5]
    assert not plan.even


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
    assert make_plan(load_recipe(name), make_facts()).even == even


def test_numbers_stay_those_of_the_base_after_a_layer_is_dropped(recipe) -> None:
    surgery = "- {op: drop_layer, layers: [0, 3]}\n- {op: drop_ffn, layers: [1, -1]}"
    plan = make_plan(recipe(surgery), make_facts())
    assert plan.steps[1].layers == (1, 5)
    assert after(plan) == [None, NO_FFN, WHOLE, None, WHOLE, NO_FFN]
    assert [row.layer for row in plan.layers] == [0, 1, 2, 3, 4, 5]
    assert [row.slim_layer for row in plan.layers] == [None, 0, 1, None, 2, 3]
    assert plan.slim_layers == (NO_FFN, WHOLE, WHOLE, NO_FFN)


def test_every_operation_says_what_it_does(recipe) -> None:
    surgery = """
- {op: resize_ffn, layers: 0, width: 0.25}
- {op: resize_ffn, layers: 0, width: 0.5}
- {op: resize_ffn, layers: 1, width: 64}
- {op: scale_ffn, layers: 1, gain: 0.5}
- {op: drop_ffn, layers: 1, layer_norm: remove}
- {op: drop_attention, layers: 2}
- {op: drop_attention, layers: 3, layer_norm: remove}
- {op: drop_layer, layers: 4}
"""
    plan = make_plan(recipe(surgery), make_facts())
    assert [row.actions for row in plan.layers] == [
        ("FFN 64 -> 16 by magnitude", "FFN 16 -> 8 by magnitude"),
        ("FFN width 64 already", "FFN output x 0.5", "FFN and its LayerNorm deleted"),
        ("attention deleted",),
        ("attention and its LayerNorm deleted",),
        ("layer deleted",),
        (),
    ]
    assert after(plan) == [
        LayerFacts(heads=4, intermediate_size=8),
        LayerFacts(heads=4, intermediate_size=0, ffn_norm=False),
        LayerFacts(heads=0, intermediate_size=64),
        LayerFacts(heads=0, intermediate_size=64, attention_norm=False),
        None,
        WHOLE,
    ]


def test_linear_maps_and_sharing(recipe) -> None:
    surgery = """
- {op: drop_ffn, layers: 0, fill: linear}
- {op: drop_ffn, layers: 1, fill: linear, rank: 0.25, layer_norm: remove}
- {op: drop_ffn, layers: 2, fill: attention}
- {op: resize_ffn, layers: 3-4, width: 24, bypass: true}
- {op: resize_ffn, layers: 5, width: 64, criterion: obs, bypass: 12}
- {op: scale_ffn, layers: 5, gain: fit}
- {op: drop_layer, layers: 1}
- {op: share_ffn, layers: 3-4}
- {op: prune_heads, layers: 2, heads: 0.25}
- {op: prune_heads, layers: 5, heads: 4}
reconstruct: {samples: 3}
"""
    plan = make_plan(recipe(surgery), make_facts())
    assert [row.actions for row in plan.layers] == [
        ("FFN deleted, a linear map in its place",),
        (
            "FFN and its LayerNorm deleted, a linear map of rank 8 in its place",
            "layer deleted",
        ),
        (
            "FFN deleted with the LayerNorm before it, attention output solved anew",
            "attention heads 4 -> 1 by magnitude",
        ),
        ("FFN 64 -> 24 by magnitude, a linear map beside it", "gives its FFN to layer 4"),
        ("FFN 64 -> 24 by magnitude, a linear map beside it", "uses the FFN of layer 3"),
        (
            "FFN width 64 already, a linear map of rank 12 beside it",
            "FFN output x a fitted gain",
            "4 attention heads already",
        ),
    ]
    assert plan.slim_layers == (
        LayerFacts(heads=4, intermediate_size=0, linear_rank=32),
        LayerFacts(heads=1, intermediate_size=0, attention_norm=False),
        LayerFacts(heads=4, intermediate_size=24, linear_rank=32),
        LayerFacts(heads=4, intermediate_size=24, linear_rank=32, ffn_of=2),
        LayerFacts(heads=4, intermediate_size=64, linear_rank=12),
    )
    assert not plan.even


def test_what_was_cut_twice_keeps_its_bypass_until_the_block_goes(recipe) -> None:
    bypassed = LayerFacts(heads=4, intermediate_size=24, linear_rank=12)
    facts = make_facts(layers=(bypassed,) * 3)
    surgery = "- {op: resize_ffn, layers: 0, width: 8}\n- {op: drop_ffn, layers: 1}"
    assert make_plan(recipe(surgery), facts).slim_layers == (
        LayerFacts(heads=4, intermediate_size=8, linear_rank=12),
        NO_FFN,
        bypassed,
    )


def test_a_bypass_in_every_layer_is_uneven(recipe) -> None:
    surgery = "- {op: resize_ffn, layers: all, width: 8, bypass: true}\nreconstruct: {}"
    assert not make_plan(recipe(surgery), make_facts()).even


def test_a_recipe_that_changes_nothing_is_even(recipe) -> None:
    plan = make_plan(recipe("- {op: resize_ffn, layers: all, width: 64}"), make_facts())
    assert plan.even
    assert plan.base == plan.slim


def test_layers_without_attention_alone_are_uneven_too(recipe) -> None:
    plan = make_plan(recipe("- {op: drop_attention, layers: all}"), make_facts())
    assert not plan.even


def test_what_is_uneven_can_become_even_again(recipe) -> None:
    facts = make_facts(layers=(WHOLE, NO_FFN, WHOLE))
    assert not make_plan(recipe("- {op: scale_ffn, layers: 0, gain: 2}"), facts).even
    assert make_plan(recipe("- {op: drop_layer, layers: 1}"), facts).even


# What does not fit


def problems_of(loaded: LoadedRecipe, facts: ModelFacts | None = None) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        make_plan(loaded, facts or make_facts())
    return caught.value.problems


@pytest.mark.parametrize(
    ("surgery", "problems"),
    [
        (
            "- op: drop_ffn\n  layers: 99",
            ["5:11: layers: layer 99 does not exist: the model has layers 0 to 5"],
        ),
        (
            "- op: drop_ffn\n  layers: [1, -7]",
            [
                "5:11: layers: layer -7 does not exist: the model has layers 0 to 5, "
                "from the top -1 to -6"
            ],
        ),
        (
            "- {op: drop_layer, layers: 2}\n- {op: drop_ffn, layers: 1-2}",
            ["5:26: layers: layer 2 is deleted by an earlier step"],
        ),
        (
            "- {op: drop_layer, layers: 2}\n- {op: drop_layer, layers: 2}",
            ["5:28: layers: layer 2 is deleted by an earlier step"],
        ),
        (
            "- {op: resize_ffn, width: 65, layers: [1, 4]}",
            [f"4:39: layers: layer {n} has 64 neurons, fewer than width 65" for n in (1, 4)],
        ),
        (
            "- {op: drop_ffn, layers: 1}\n- {op: scale_ffn, layers: 0-1, gain: 2.0}",
            ["5:27: layers: layer 1 has no FFN block any more after an earlier step"],
        ),
        (
            "- {op: drop_ffn, layers: 1}\n- {op: resize_ffn, layers: 1, width: 8}",
            ["5:28: layers: layer 1 has no FFN block any more after an earlier step"],
        ),
        (
            "- {op: drop_attention, layers: 3}\n- {op: drop_attention, layers: 3}",
            ["5:32: layers: layer 3 has no attention block"],
        ),
        (
            "- {op: drop_ffn, layers: 1, fill: linear, rank: 33}\nreconstruct: {}",
            ["4:26: layers: layer 1 has a hidden size of 32, less than rank 33"],
        ),
        (
            "- {op: drop_attention, layers: 1}\n- {op: drop_ffn, layers: 1, fill: attention}\n"
            "reconstruct: {}",
            ["5:26: layers: layer 1 has no attention block, which fill: attention solves anew"],
        ),
        (
            "- {op: resize_ffn, layers: 1, width: 8, bypass: 4}\n"
            "- {op: resize_ffn, layers: 1, width: 8, bypass: 4}\nreconstruct: {}",
            ["5:28: layers: layer 1 has a bypass already"],
        ),
        (
            "- {op: share_ffn, layers: 3}",
            ["4:27: layers: layer 3 is the only one selected; sharing takes two layers or more"],
        ),
        (
            "- {op: drop_ffn, layers: 1}\n- {op: share_ffn, layers: 1-2}",
            ["5:27: layers: layer 1 has no FFN block any more after an earlier step"],
        ),
        (
            "- {op: resize_ffn, layers: [1, 3], width: 8}\n- {op: share_ffn, layers: 1-3}",
            ["5:27: layers: layer 2 has 64 neurons, layer 1 has 8; share equal blocks"],
        ),
        (
            "- {op: resize_ffn, layers: 1-2, width: 8}\n"
            "- {op: resize_ffn, layers: 2, width: 8, bypass: 4}\n"
            "- {op: share_ffn, layers: 1-2}\nreconstruct: {}",
            [
                "6:27: layers: layer 2 has 4 as rank of its bypass, layer 1 has 0; "
                "share equal blocks"
            ],
        ),
        *(
            (
                f"- {{op: share_ffn, layers: [1, 3]}}\n- {{layers: [1, 3], {later}}}",
                [
                    f"5:12: layers: layer {one} shares its FFN block with layer {other}; "
                    "change it before that"
                    for one, other in ((1, 3), (3, 1))
                ],
            )
            for later in (
                "op: drop_ffn",
                "op: resize_ffn, width: 8",
                "op: scale_ffn, gain: 2",
                "op: share_ffn",
            )
        ),
        (
            "- {op: share_ffn, layers: [1, 3]}\n- {op: drop_layer, layers: 1}",
            ["5:28: layers: layer 1 gives its FFN block to layer 3; delete it before they share"],
        ),
        (
            "- {op: prune_heads, layers: 1, heads: 5}",
            ["4:29: layers: layer 1 has 4 heads, fewer than 5"],
        ),
        (
            "- {op: drop_attention, layers: 1}\n- {op: prune_heads, layers: 1, heads: 2}",
            ["5:29: layers: layer 1 has no attention block"],
        ),
        (
            "- {op: drop_layer, layers: all}",
            ["4:1: no layer is left of the model; keep at least one"],
        ),
    ],
)
def test_what_does_not_fit_names_its_place(surgery: str, problems: list[str], recipe) -> None:
    assert problems_of(recipe(surgery)) == [f"mine.yaml:{problem}" for problem in problems]


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


def test_a_block_that_the_base_never_had_is_no_earlier_steps_fault(recipe) -> None:
    facts = make_facts(layers=(WHOLE, NO_FFN, WHOLE))
    assert problems_of(recipe("- {op: drop_ffn, layers: odd}"), facts) == [
        "mine.yaml:4:26: layers: layer 1 has no FFN block"
    ]


def test_heads_that_share_a_bias_cannot_go(recipe) -> None:
    surgery = "- {op: prune_heads, layers: 1, heads: 2}"
    assert problems_of(recipe(surgery), make_facts(shared_parameters=128)) == [
        "mine.yaml:4:29: layers: layer 1 cannot lose heads: its attention adds a bias that all "
        "layers share, head by head; delete the block or its FFN instead"
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
    assert make_plan(loaded, make_facts(), importance=importance).steps[0].layers == (1, 3)


# Counts


def test_counts_of_a_layer_by_hand() -> None:
    facts = make_facts()
    attention = 4 * (32 * 32 + 32)
    ffn = 32 * 64 + 64 + 64 * 32 + 32
    norm = 2 * 32
    assert layer_parameters(facts, WHOLE) == attention + ffn + 2 * norm
    assert layer_parameters(facts, NO_FFN) == attention + 2 * norm
    assert ffn_parameters(facts, WHOLE) == ffn
    assert ffn_parameters(facts, NO_FFN) == 0
    bare = LayerFacts(heads=0, intermediate_size=0, attention_norm=False, ffn_norm=False)
    assert layer_parameters(facts, bare) == layer_macs(facts, bare, 10) == 0
    projections, scores, widths = 4 * 32 * 32, 2 * 10 * 32, 2 * 32 * 64
    assert layer_macs(facts, WHOLE, 10) == 10 * (projections + scores + widths)


def test_counts_of_linear_maps_and_shared_blocks_by_hand() -> None:
    facts = make_facts()
    attention, norms = 4 * (32 * 32 + 32), 2 * 2 * 32
    computed = 10 * 4 * 32 * 32 + 2 * 10 * 10 * 32
    for layer, parameters, macs in (
        ({"intermediate_size": 0, "linear_rank": 32}, 32 * 32 + 32, 32 * 32),
        ({"intermediate_size": 0, "linear_rank": 8}, 2 * 32 * 8 + 32, 2 * 32 * 8),
        (
            {"intermediate_size": 16, "linear_rank": 32},
            2 * 32 * 16 + 16 + 32 + 32 * 32,
            2 * 32 * 16 + 32 * 32,
        ),
        (
            {"intermediate_size": 16, "linear_rank": 8},
            2 * 32 * 16 + 16 + 32 + 2 * 32 * 8,
            2 * 32 * 16 + 2 * 32 * 8,
        ),
        ({"intermediate_size": 16, "linear_rank": 8, "ffn_of": 0}, 0, 2 * 32 * 16 + 2 * 32 * 8),
    ):
        made = LayerFacts(heads=4, **layer)
        assert ffn_parameters(facts, made) == parameters
        assert layer_parameters(facts, made) == attention + norms + parameters
        assert layer_macs(facts, made, 10) == computed + 10 * macs


def test_counts_of_a_model_by_hand() -> None:
    facts = make_facts(shared_parameters=7)
    sizes = count(facts, facts.layers[:2], 10)
    layer = layer_parameters(facts, WHOLE)
    assert sizes.encoder == 7 + 2 * layer
    assert sizes.embeddings == 1000
    assert sizes.parameters == 7 + 2 * layer + 1000 + 200
    assert sizes.macs == 2 * layer_macs(facts, WHOLE, 10) + 10 * 30 + 400


def test_the_rows_add_up_to_the_whole(recipe) -> None:
    facts = make_facts()
    surgery = "- {op: drop_layer, layers: 0}\n- {op: resize_ffn, layers: 1-2, width: 8}"
    plan = make_plan(recipe(surgery), facts, length=20)
    assert plan.length == 20
    rows = plan.layers
    assert plan.base.encoder == sum(row.parameters_before for row in rows)
    assert plan.slim.encoder == sum(row.parameters_after for row in rows)
    assert plan.base.macs - plan.slim.macs == sum(row.macs_before - row.macs_after for row in rows)
    assert (rows[0].parameters_after, rows[0].macs_after) == (0, 0)


LAYERS = st.lists(st.integers(0, 3), min_size=1, max_size=3, unique=True)
NORM = st.sampled_from(["keep", "remove"])
STEPS = st.lists(
    st.one_of(
        st.builds(dict, op=st.just("drop_ffn"), layers=LAYERS, layer_norm=NORM),
        st.builds(dict, op=st.just("drop_attention"), layers=LAYERS, layer_norm=NORM),
        st.builds(dict, op=st.just("drop_layer"), layers=LAYERS),
        st.builds(
            dict,
            op=st.just("resize_ffn"),
            layers=LAYERS,
            width=st.one_of(st.integers(1, 64), st.floats(0.01, 0.99)),
        ),
        st.builds(
            dict,
            op=st.just("resize_ffn"),
            layers=LAYERS,
            width=st.just(24),
            bypass=st.sampled_from([True, 8]),
        ),
        st.builds(
            dict,
            op=st.just("drop_ffn"),
            layers=LAYERS,
            fill=st.just("linear"),
            rank=st.integers(1, 32),
        ),
        st.builds(
            dict, op=st.just("scale_ffn"), layers=LAYERS, gain=st.sampled_from([0.5, -2.0, "fit"])
        ),
        st.builds(dict, op=st.just("share_ffn"), layers=LAYERS),
        st.builds(
            dict,
            op=st.just("prune_heads"),
            layers=LAYERS,
            heads=st.one_of(st.integers(1, 4), st.floats(0.1, 0.9)),
        ),
    ),
    min_size=1,
    max_size=4,
)


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(steps=STEPS, model_type=st.sampled_from(["bert", "mpnet", "distilbert", "electra"]))
def test_what_is_planned_is_what_is_cut(
    steps: list[dict[str, Any]], model_type: str, make_recipe, tiny_model
) -> None:
    """Any recipe is refused, or its plan counts what the cut model really holds."""
    from bertslim.measure.size import count_parameters
    from bertslim.model.config_facts import read_facts
    from bertslim.surgery.operations import operate

    model = tiny_model(model_type)
    facts = read_facts(model.config.to_dict())
    loaded = make_recipe(*steps, reconstruct={"samples": 1})
    try:
        plan = make_plan(loaded, facts)
    except RecipeError:
        return
    assert plan.base == count(facts, facts.layers, plan.length)
    operate(model, loaded.recipe, plan)
    counts = count_parameters(model)
    assert counts.total == plan.slim.parameters
    assert counts.encoder == plan.slim.encoder
    assert counts.layers == tuple(row.parameters_after for row in plan.layers if row.after)


def test_the_vocabulary_is_open_until_the_data_are_read(recipe) -> None:
    from bertslim.surgery.operations import operate

    loaded = recipe("- {op: prune_vocab}\n- {op: drop_ffn, layers: 0}")
    facts = make_facts()
    open_plan = make_plan(loaded, facts)
    assert open_plan.vocabulary == VocabularyPlan(before=99, after=None)
    assert open_plan.steps == (
        StepPlan(op="prune_vocab", layers=()),
        StepPlan(op="drop_ffn", layers=(0,)),
    )
    assert open_plan.slim.embeddings == open_plan.base.embeddings
    with pytest.raises(ValueError, match="when the vocabulary is known"):
        operate(None, loaded.recipe, open_plan)  # type: ignore[arg-type]
    pruned = make_facts(vocab_size=40, embedding_parameters=600, head_parameters=150)
    plan = make_plan(loaded, facts, pruned=pruned)
    assert plan.vocabulary == VocabularyPlan(before=99, after=40)
    assert plan.base == open_plan.base
    assert plan.slim.embeddings == 600
    assert plan.slim.parameters == open_plan.slim.parameters - 400 - 50
    assert make_plan(load_recipe("drop_odd"), facts).vocabulary is None


def test_every_operation_is_known_everywhere() -> None:
    from bertslim.surgery import operations

    on_layers = {name for name, known in OPERATIONS.items() if "layers" in known.model_fields}
    assert on_layers == operations.OPERATIONS.keys() == plan_module._EFFECTS.keys()
    assert OPERATIONS.keys() - on_layers == {"prune_vocab"}
