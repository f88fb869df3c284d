"""What each operation makes of a layer, how its parameters are rounded, and what it refuses."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertslim.recipe.operations import OPERATIONS, DropFfn, Operation, ResizeFfn
from bertslim.recipe.plan import make_plan
from bertslim.recipe.recipe_files import LoadedRecipe, load_recipe
from bertslim.recipe.selector_text import parse
from bertslim.records import LayerFacts
from support.plans import NO_FFN, WHOLE, after, make_facts, problems_of


@pytest.fixture
def recipe(write_recipe: Callable[[str], str]) -> Callable[[str], LoadedRecipe]:
    """Return a function that reads the surgery of mine.yaml; its first step is in line 4."""
    return lambda surgery: load_recipe(
        write_recipe(f"version: 1\nname: mine\nsurgery:\n{surgery}\n")
    )


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
    plan = make_plan(recipe(surgery), make_facts()).record
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
    plan = make_plan(recipe(surgery), make_facts()).record
    assert [row.actions for row in plan.layers] == [
        ("FFN deleted, a linear map in its place",),
        (
            "FFN and its LayerNorm deleted, a linear map of rank 8 in its place",
            "layer deleted",
        ),
        (
            "FFN deleted with the LayerNorm before it, attention output solved anew",
            "attention heads 4 -> 1 by obs",
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
    assert make_plan(recipe(surgery), facts).record.slim_layers == (
        LayerFacts(heads=4, intermediate_size=8, linear_rank=12),
        NO_FFN,
        bypassed,
    )


# Parameters


@pytest.mark.parametrize(
    ("width", "current", "kept"),
    [
        (0.5, 1536, 768),
        (0.25, 3072, 768),
        (0.1, 1536, 152),  # 153.6 is nearer to 152 than to 160
        (0.26, 50, 16),  # 13 is nearer to 16 than to 8
        (0.01, 1536, 16),
        (0.001, 1536, 8),
        (0.9, 4, 4),
        (0.999, 30, 30),
        (512, 1536, 512),
        (7, 1536, 7),
        (4096, 1536, 4096),
    ],
)
def test_neurons_kept(width, current, kept):
    step = ResizeFfn(op="resize_ffn", layers=parse("all"), width=width)
    assert step.kept(current) == kept


@given(st.floats(0, 1, exclude_min=True, exclude_max=True), st.integers(1, 20_000))
def test_a_fraction_keeps_a_multiple_of_eight_or_all(width, current):
    kept = ResizeFfn(op="resize_ffn", layers=parse("all"), width=width).kept(current)
    assert min(8, current) <= kept <= current
    assert kept == current or kept % 8 == 0
    assert kept in (8, current) or math.isclose(kept, width * current, abs_tol=4.001)


@pytest.mark.parametrize(
    ("rank", "hidden_size", "expected"),
    [(True, 384, 384), (False, 384, 0), (0.25, 384, 96), (0.01, 384, 8), (0.9, 4, 4), (5, 384, 5)],
)
def test_rank_of_a_linear_map(rank, hidden_size, expected):
    resize = ResizeFfn(op="resize_ffn", layers=parse("all"), width=8, bypass=rank)
    assert resize.linear_rank(hidden_size) == expected
    if rank is not False:
        fill = {"fill": "linear", "rank": None if rank is True else rank}
        drop = DropFfn(op="drop_ffn", layers=parse("all"), **fill)
        assert drop.linear_rank(hidden_size) == expected


@pytest.mark.parametrize(
    ("heads", "current", "kept"),
    [(0.5, 12, 6), (0.5, 3, 2), (0.1, 12, 1), (0.01, 12, 1), (0.999, 12, 12), (13, 12, 13)],
)
def test_heads_kept(heads, current, kept):
    step = OPERATIONS["prune_heads"](op="prune_heads", layers=parse("all"), heads=heads)
    assert step.kept(current) == kept


# What does not fit


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


def test_a_block_that_the_base_never_had_is_no_earlier_steps_fault(recipe) -> None:
    facts = make_facts(layers=(WHOLE, NO_FFN, WHOLE))
    assert problems_of(recipe("- {op: drop_ffn, layers: odd}"), facts) == [
        "mine.yaml:4:26: layers: layer 1 has no FFN block"
    ]


# The table of operations


def test_operations_are_the_members_of_the_union_by_their_op():
    union, _ = get_args(Operation)
    assert tuple(OPERATIONS.values()) == get_args(union)
    for name, operation in OPERATIONS.items():
        assert get_args(operation.model_fields["op"].annotation) == (name,)
        assert operation.__doc__
        assert "\n" not in operation.__doc__
        assert not inspect.isabstract(operation)  # as one without its effect is
