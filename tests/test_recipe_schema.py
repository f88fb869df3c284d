"""Recipes: what they may say, where they come from, and what is said of wrong ones."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bertslim.errors import RecipeError
from bertslim.recipe import schema as recipe_module
from bertslim.recipe.schema import (
    OPERATIONS,
    Distill,
    DropFfn,
    Operation,
    Recipe,
    Reconstruct,
    ResizeFfn,
    Retrain,
    load_recipe,
    recipe_schema,
    shipped_recipes,
)
from bertslim.recipe.selector_text import FORMS, parse
from bertslim.recipe.source import Problem

GUIDE = Path(__file__).parent.parent / "docs" / "recipes.md"
HEAD = "version: 1\nname: mine\nsurgery:\n"


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Return a function that writes mine.yaml into the current directory."""
    monkeypatch.chdir(tmp_path)

    def _write(content: str | bytes) -> str:
        data = content.encode() if isinstance(content, str) else content
        Path("mine.yaml").write_bytes(data)
        return "mine.yaml"

    return _write


def problems_of(path: str) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    assert caught.value.exit_code == 2
    return caught.value.problems


# What recipes hold

layers = st.one_of(
    st.sampled_from(["odd", "all except every 3", "last half", "[1, odd]", "2-7"]),
    st.integers(-6, 30),
    st.lists(st.one_of(st.integers(-6, 30), st.just("middle 2")), min_size=1, max_size=4),
).map(parse)
norms = st.sampled_from(["keep", "remove"])
fractions = st.floats(0, 1, exclude_min=True, exclude_max=True)
gains = st.floats(allow_nan=False, allow_infinity=False).filter(bool)
ranks = st.one_of(st.integers(1, 1000), fractions)
operations = st.one_of(
    st.builds(
        DropFfn,
        op=st.just("drop_ffn"),
        layers=layers,
        layer_norm=norms,
        fill=st.sampled_from(["none", "attention", "linear"]),
    ),
    st.builds(DropFfn, op=st.just("drop_ffn"), layers=layers, fill=st.just("linear"), rank=ranks),
    st.builds(
        ResizeFfn,
        op=st.just("resize_ffn"),
        layers=layers,
        width=st.one_of(st.integers(1, 10_000), fractions),
        criterion=st.sampled_from(["magnitude", "activation", "taylor", "fisher", "obs"]),
        bypass=st.one_of(st.booleans(), ranks),
    ),
    st.builds(
        OPERATIONS["scale_ffn"],
        op=st.just("scale_ffn"),
        layers=layers,
        gain=st.one_of(gains, st.just("fit")),
    ),
    st.builds(OPERATIONS["share_ffn"], op=st.just("share_ffn"), layers=layers),
    st.builds(OPERATIONS["prune_heads"], op=st.just("prune_heads"), layers=layers, heads=ranks),
    st.builds(
        OPERATIONS["drop_attention"],
        op=st.just("drop_attention"),
        layers=layers,
        layer_norm=norms,
    ),
    st.builds(OPERATIONS["drop_layer"], op=st.just("drop_layer"), layers=layers),
    st.builds(OPERATIONS["prune_vocab"], op=st.just("prune_vocab"), min_count=st.integers(1, 99)),
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
def test_any_line_break_in_a_description_reads_back(write, text):
    recipe = load_recipe("drop_odd").recipe.model_copy(update={"description": text})
    assert load_recipe(write(recipe.to_yaml())).recipe == recipe


@given(st.text(max_size=30).map(lambda tail: HEAD + "  - {op: drop_ffn, layers: odd}\n" + tail))
def test_any_text_is_a_recipe_or_a_recipe_error(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text, encoding="utf-8", newline="")
    try:
        loaded = load_recipe(str(path))
    except RecipeError as error:
        lines = error.problems
    else:
        lines = [str(loaded.error([Problem((), "nothing")]))]
    assert lines
    for line in lines:
        assert re.match(rf"{re.escape(str(path))}:\d+:\d+: .", line)


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
    assert step.neurons(current) == kept


@given(fractions, st.integers(1, 20_000))
def test_a_fraction_keeps_a_multiple_of_eight_or_all(width, current):
    kept = ResizeFfn(op="resize_ffn", layers=parse("all"), width=width).neurons(current)
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
def test_which_recipes_need_data(write, surgery, needs):
    assert load_recipe(write(f"{HEAD}  - {surgery}\n")).recipe.needs_data == needs
    repaired = load_recipe(write(f"{HEAD}  - {surgery}\nreconstruct: {{}}\n")).recipe
    assert repaired.needs_data
    assert repaired.reconstruct == Reconstruct(samples=1024)
    assert repaired.to_yaml().endswith(
        "reconstruct:\n  samples: 1024\n  refit: all\n  weights: variance\n  head: scale\n"
    )


def test_which_recipes_need_importance(write):
    surgery = "  - {op: prune_vocab}\n  - {op: drop_ffn, layers: odd}\n"
    assert not load_recipe(write(HEAD + surgery)).recipe.needs_importance
    weighed = "  - {op: drop_layer, layers: 'all except [0, least_important half]'}\n"
    assert load_recipe(write(HEAD + surgery + weighed)).recipe.needs_importance


def test_what_is_solved_needs_data(write):
    surgery = """\
  - {op: drop_ffn, layers: 0, fill: linear, rank: 0.25}
  - {op: drop_ffn, layers: 1, fill: attention}
  - {op: resize_ffn, layers: 2, width: 0.5, bypass: 16}
  - {op: scale_ffn, layers: 3, gain: fit}
"""
    recipe = load_recipe(write(f"{HEAD}{surgery}reconstruct: {{samples: 3}}\n")).recipe
    assert [step.solved_key for step in recipe.surgery] == ["fill", "fill", "bypass", "gain"]
    assert all(step.needs_data for step in recipe.surgery)


def test_the_vocabulary_is_pruned_to_data(write):
    step = load_recipe(write(HEAD + "  - {op: prune_vocab, min_count: 3}\n")).recipe
    assert step.needs_data
    assert step.vocabulary_step.min_count == 3
    assert load_recipe("vocab_to_corpus").recipe.vocabulary_step.min_count == 1
    assert load_recipe("drop_odd").recipe.vocabulary_step is None


def test_operations_are_the_members_of_the_union_by_their_op():
    union, _ = get_args(Operation)
    assert tuple(OPERATIONS.values()) == get_args(union)
    for name, operation in OPERATIONS.items():
        assert get_args(operation.model_fields["op"].annotation) == (name,)
        assert operation.__doc__
        assert "\n" not in operation.__doc__


# Shipped recipes


@pytest.mark.parametrize("name", sorted(shipped_recipes()))
def test_shipped_recipe(name):
    recipe = load_recipe(name).recipe
    assert recipe == load_recipe(f"{name}.yaml").recipe
    assert recipe.name == name
    assert recipe.description
    for depth in (2, 6, 12, 24):
        for step in recipe.surgery:
            assert step.op == "prune_vocab" or step.layers.resolve(depth, [1.0] * depth)


def test_shipped_names():
    assert set(shipped_recipes()) == {
        *("drop_all", "drop_even", "drop_odd", "drop_top_half", "drop_top_layers"),
        *("halve_width", "keep_every_third", "quarter_width_odd", "scale_half"),
        *("drop_odd_repaired", "drop_odd_linear", "drop_least_important", "linear_all"),
        *("narrow_odd", "quarter_width_repaired", "eighth_width", "prune_half_heads"),
        *("vocab_to_corpus", "quarter_width_half_heads_trained"),
    }


def test_shipped_recipes_say_whether_they_need_texts():
    for name in shipped_recipes():
        recipe = load_recipe(name).recipe
        repaired = recipe.reconstruct is not None
        assert recipe.needs_data == (repaired or name == "vocab_to_corpus")
        assert ("texts" in recipe.description) == repaired


def test_shipped_recipes_are_found_inside_an_installed_package(tmp_path, monkeypatch):
    (tmp_path / "recipes").mkdir()
    shipped = tmp_path / "recipes" / "drop_odd.yaml"
    shipped.write_bytes(shipped_recipes()["drop_odd"].read_bytes())
    monkeypatch.setattr(recipe_module, "__file__", str(tmp_path / "recipe" / "schema.py"))
    assert shipped_recipes() == {"drop_odd": shipped}


def test_a_file_comes_before_a_shipped_recipe_and_that_before_a_directory(write):
    write(HEAD + "  - {op: drop_layer, layers: 0}\n")
    Path("drop_odd").mkdir()
    assert load_recipe("drop_odd").recipe.name == "drop_odd"
    Path("drop_even").write_bytes(Path("mine.yaml").read_bytes())
    assert load_recipe("drop_even").recipe.name == "mine"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("drop_ood", "'drop_ood' is neither a file nor a recipe that bertslim ships; did you mean"),
        ("halv_width.yaml", "did you mean 'halve_width'?"),
        ("nothing/like.yaml", "; shipped are drop_all, drop_even, drop_least_important,"),
        ("", "is a directory; name a recipe file"),
        (".", ".: is a directory; name a recipe file"),
        ("x" * 5000, "is neither a file nor a recipe"),
        ("a\0b", "'a\\x00b' is neither a file nor a recipe"),
    ],
)
def test_a_recipe_that_is_not_there(name, message):
    [problem] = problems_of(name)
    assert message in problem
    assert len(problem) < 500


def test_a_shipped_recipe_is_named_by_its_file_in_errors():
    loaded = load_recipe("drop_odd")
    error = loaded.error([Problem(("surgery", 0, "layers"), "layers: layer 99 does not exist")])
    assert str(error) == "drop_odd.yaml:8:13: layers: layer 99 does not exist"


def test_problems_of_a_plan_are_placed_at_the_nearest_thing_that_exists(write):
    loaded = load_recipe(write(HEAD + "  - op: drop_ffn\n    layers: [1,\n      99]\n"))
    error = loaded.error(
        [
            Problem(("surgery", 0, "layers", 1), "item"),
            Problem(("surgery", 0, "layer_norm"), "default"),
            Problem(("surgery", 3, "layers"), "no such step"),
            Problem(("reconstruct",), "no such key"),
            Problem(("surgery", 0, "layers"), "key", at_key=True),
        ]
    )
    assert error.problems == [
        "mine.yaml:1:1: no such key",
        "mine.yaml:4:3: no such step",
        "mine.yaml:4:5: default",
        "mine.yaml:5:5: key",
        "mine.yaml:6:7: item",
    ]


# What is wrong with a recipe

WIDTH = (
    "does not fit; expected a whole number of neurons from 1 on, or a fraction of the present "
    "ones between 0 and 1, rounded to a multiple of 8"
)
GAIN = (
    "does not fit; expected a finite number other than 0, which the output is multiplied by, or fit"
)
CRITERIA = "magnitude, activation, taylor, fisher, obs"
RANK = (
    "does not fit; expected with fill: linear only, a whole rank of the linear map from 1 on, or a "
    "fraction of the hidden size between 0 and 1, rounded to a multiple of 8"
)
BYPASS = (
    "does not fit; expected true for a linear map beside the block, a whole rank of it from 1 on, "
    "a fraction of the hidden size between 0 and 1, rounded to a multiple of 8, or false"
)
HEADS = (
    "does not fit; expected a whole number of heads to keep from 1 on, or a fraction of the present "
    "ones between 0 and 1"
)
SAMPLES = "does not fit; expected a whole number from 1 on: how many texts it is solved from"
UNSOLVED = "is solved from data; add 'reconstruct: {samples: 1024}' to the recipe"
NAME = (
    "does not fit; expected a file name of letters, digits, '_', '-' and '.', at most 100 of "
    "them, that starts with a letter or digit"
)
VERSION = "does not fit; expected 1, the version of recipes that this bertslim reads"
SURGERY = "does not fit; expected a list of at least one operation, carried out in that order"
OPS = ", ".join(OPERATIONS)
KEYS = ", ".join(Recipe.model_fields)


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ("op: drop_fnn", "4:9: op: 'drop_fnn' is not an operation; did you mean 'drop_ffn'?"),
        ("op: explode", f"4:9: op: 'explode' is not an operation; write one of {OPS}"),
        ("op:", f"4:8: op: an empty value is not an operation; write one of {OPS}"),
        ("op: [drop_ffn]", f"4:9: op: a list is not an operation; write one of {OPS}"),
        ("layers: odd", "4:5: missing key 'op'"),
        (
            "odd",
            "4:5: surgery: 'odd' is not an operation; write such as 'op: drop_ffn' and, in the "
            "next line, 'layers: odd'",
        ),
        ("op: drop_ffn", "4:5: missing key 'layers' in drop_ffn"),
        ("{op: resize_ffn, layers: 1}", "4:5: missing key 'width' in resize_ffn"),
        ("{op: scale_ffn, layers: 1}", "4:5: missing key 'gain' in scale_ffn"),
        (
            "{op: prune_vocab, layers: all}",
            "4:23: unknown key 'layers' in prune_vocab; its keys are op, min_count",
        ),
        (
            "{op: prune_vocab, min_count: 0}",
            "4:34: min_count: 0 does not fit; expected a whole number from 1 on: how often the data "
            "must use a token that stays",
        ),
        (
            "{op: prune_vocab}\n  - {op: prune_vocab, min_count: 2}",
            "5:10: op: prune_vocab is there already; one of them is enough",
        ),
        (
            "{op: drop_layer, layers: 1, layer: 1}",
            "4:33: unknown key 'layer' in drop_layer; did you mean 'layers'?",
        ),
        (
            "{op: drop_layer, layers: 1, fill: linear}",
            "4:33: unknown key 'fill' in drop_layer; its keys are op, layers",
        ),
        (
            "{op: drop_ffn, layers: ood}",
            "4:28: layers: 'ood' is no layer selector; did you mean 'odd'?",
        ),
        ("{op: drop_ffn, layers: 7-2}", "4:28: layers: '7-2' runs backwards; did you mean '2-7'?"),
        (
            "{op: drop_ffn, layers: [1, evn]}",
            "4:32: layers: 'evn' is no layer selector; did you mean 'even'?",
        ),
        ("{op: drop_ffn, layers: []}", "4:28: layers: an empty list selects no layer"),
        (
            "{op: drop_ffn, layers: 1, layer_norm: kep}",
            "4:43: layer_norm: 'kep' is not one of keep, remove; did you mean 'keep'?",
        ),
        (
            "{op: drop_ffn, layers: 1, layer_norm: true}",
            "4:43: layer_norm: true is not one of keep, remove",
        ),
        (
            "{op: resize_ffn, layers: 1, width: 8, criterion: size}",
            f"4:54: criterion: 'size' is not one of {CRITERIA}",
        ),
        (
            "{op: drop_ffn, layers: 1, fill: linea}",
            "4:37: fill: 'linea' is not one of none, attention, linear; did you mean 'linear'?",
        ),
        ("{op: prune_heads, layers: 1, heads: 0}", f"4:41: heads: 0 {HEADS}"),
        ("{op: prune_heads, layers: 1, heads: 1.0}", f"4:41: heads: 1.0 {HEADS}"),
        ("{op: drop_ffn, layers: 1, rank: 8}", f"4:37: rank: 8 {RANK}"),
        ("{op: drop_ffn, layers: 1, fill: attention, rank: 8}", f"4:54: rank: 8 {RANK}"),
        ("{op: drop_ffn, layers: 1, rank: 8, fill: none}", f"4:37: rank: 8 {RANK}"),
        ("{op: drop_ffn, layers: 1, fill: linear, rank: 0}", f"4:51: rank: 0 {RANK}"),
        ("{op: drop_ffn, layers: 1, fill: linear, rank: 1.0}", f"4:51: rank: 1.0 {RANK}"),
        ("{op: drop_ffn, layers: 1, fill: linear, rank: true}", f"4:51: rank: true {RANK}"),
        ("{op: resize_ffn, layers: 1, width: 8, bypass: 0}", f"4:51: bypass: 0 {BYPASS}"),
        ("{op: resize_ffn, layers: 1, width: 8, bypass: on}", f"4:51: bypass: 'on' {BYPASS}"),
        (
            "{op: share_ffn, layers: 1, width: 8}",
            "4:32: unknown key 'width' in share_ffn; its keys are op, layers",
        ),
        ("{op: resize_ffn, layers: 1, width: true}", f"4:40: width: true {WIDTH}"),
        ("{op: resize_ffn, layers: 1, width: '3'}", f"4:40: width: '3' {WIDTH}"),
        ("{op: resize_ffn, layers: 1, width: 0}", f"4:40: width: 0 {WIDTH}"),
        ("{op: resize_ffn, layers: 1, width: -0.5}", f"4:40: width: -0.5 {WIDTH}"),
        ("{op: resize_ffn, layers: 1, width: 1.0}", f"4:40: width: 1.0 {WIDTH}"),
        ("{op: resize_ffn, layers: 1, width: 512.0}", f"4:40: width: 512.0 {WIDTH}"),
        ("{op: resize_ffn, layers: 1, width: [8]}", f"4:40: width: a list {WIDTH}"),
        ("{op: scale_ffn, layers: 1, gain: 0}", f"4:38: gain: 0 {GAIN}"),
        ("{op: scale_ffn, layers: 1, gain: -0.0}", f"4:38: gain: -0.0 {GAIN}"),
        ("{op: scale_ffn, layers: 1, gain: true}", f"4:38: gain: true {GAIN}"),
        ("{op: scale_ffn, layers: 1, gain: '1'}", f"4:38: gain: '1' {GAIN}"),
        ("{op: scale_ffn, layers: 1, gain: 1e999}", f"4:38: gain: inf {GAIN}"),
        ("{op: scale_ffn, layers: 1, gain: .inf}", f"4:38: gain: '.inf' {GAIN}"),
        ("{op: scale_ffn, layers: 1, gain: fitt}", f"4:38: gain: 'fitt' {GAIN}"),
        (
            "{op: scale_ffn, layers: 1, gain: fit}",
            f"4:38: gain: 'fit' {UNSOLVED}",
        ),
        ("{op: drop_ffn, layers: 1, fill: linear}", f"4:37: fill: 'linear' {UNSOLVED}"),
        ("{op: drop_ffn, layers: 1, fill: attention}", f"4:37: fill: 'attention' {UNSOLVED}"),
        ("{op: resize_ffn, layers: 1, width: 8, bypass: true}", f"4:51: bypass: true {UNSOLVED}"),
        ("{op: resize_ffn, layers: 1, width: 8, bypass: 0.1}", f"4:51: bypass: 0.1 {UNSOLVED}"),
        (
            "{op: drop_layer, op: drop_ffn, layers: 1}",
            "4:22: duplicate key 'op', first in line 4",
        ),
        ("{op: drop_layer, layers: 1, 2: 3}", "4:33: a key must be text; quote it"),
        ("{op: drop_layer, layers: 1, true: 3}", "4:33: a key must be text; quote it"),
        ("{op: drop_layer, layers: 1, [a]: 3}", "4:33: a key must be text; quote it"),
        ("{op: drop_layer, layers: !x 1-2}", "4:30: tag '!x' is not allowed; leave it out"),
        (
            "{op: drop_layer, layers: !!python/name:os.system '1-2'}",
            "4:30: tag 'tag:yaml.org,2002:python/name:os.system' is not allowed; leave it out",
        ),
    ],
)
def test_one_wrong_operation(write, step, problem):
    assert problems_of(write(f"{HEAD}  - {step}\n")) == [f"mine.yaml:{problem}"]


STEP = "surgery: [{op: drop_ffn, layers: odd}]\n"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (f"name: a\n{STEP}", "1:1: missing key 'version' in a recipe"),
        (f"version: 2\nname: a\n{STEP}", f"1:10: version: 2 {VERSION}"),
        (f"version: true\nname: a\n{STEP}", f"1:10: version: true {VERSION}"),
        (f"version: 1.0\nname: a\n{STEP}", f"1:10: version: 1.0 {VERSION}"),
        (f"version: '1'\nname: a\n{STEP}", f"1:10: version: '1' {VERSION}"),
        (f"version: 1\nname: ../a\n{STEP}", f"2:7: name: '../a' {NAME}"),
        (f"version: 1\nname: .a\n{STEP}", f"2:7: name: '.a' {NAME}"),
        (f"version: 1\nname: 'a b'\n{STEP}", f"2:7: name: 'a b' {NAME}"),
        (f"version: 1\nname: é\n{STEP}", f"2:7: name: 'é' {NAME}"),
        (f'version: 1\nname: "a\\n"\n{STEP}', f"2:7: name: 'a\\n' {NAME}"),
        (f"version: 1\nname: 1e4\n{STEP}", f"2:7: name: 10000.0 {NAME}"),
        (f"version: 1\nname: {'a' * 101}\n{STEP}", f"2:7: name: '{'a' * 60}' … {NAME}"),
        (
            f"version: 1\nname: a\ndescription: [a]\n{STEP}",
            "3:14: description: a list does not fit; expected text: what the recipe is for",
        ),
        ("version: 1\nname: a\n", "1:1: missing key 'surgery' in a recipe"),
        ("version: 1\nname: a\nsurgery: []\n", f"3:10: surgery: an empty list {SURGERY}"),
        ("version: 1\nname: a\nsurgery: odd\n", f"3:10: surgery: 'odd' {SURGERY}"),
        (
            "version: 1\nname: a\nsurgery:\n  op: drop_ffn\n  layers: odd\n",
            f"4:3: surgery: a mapping {SURGERY}",
        ),
        (
            f"version: 1\nname: a\n{STEP}quantum: {{}}\n",
            f"4:1: unknown key 'quantum' in a recipe; its keys are {KEYS}",
        ),
        (
            f"version: 1\nname: a\n{STEP}retrain: {{}}\n",
            "4:10: retrain: say how long: epochs, steps or minutes",
        ),
        (
            f"version: 1\nname: a\n{STEP}retrain:\n",
            "4:9: retrain: an empty value does not fit; write such as {minutes: 3}",
        ),
        (
            f"version: 1\nname: a\n{STEP}retrain: 3\n",
            "4:10: retrain: 3 does not fit; expected a mapping such as {minutes: 3}",
        ),
        (
            f"version: 1\nname: a\n{STEP}retrain: {{epochs: 1, steps: 3}}\n",
            "4:29: steps: epochs says how long already; leave one out",
        ),
        (
            f"version: 1\nname: a\n{STEP}retrain: {{epoch: 1}}\n",
            "4:11: unknown key 'epoch' in retrain; did you mean 'epochs'?",
        ),
        (
            f"version: 1\nname: a\n{STEP}retrain: {{steps: 1, dropout: of}}\n",
            "4:30: dropout: 'of' is not one of keep, off; did you mean 'off'?",
        ),
        (
            f"version: 1\nname: a\n{STEP}retrain: {{steps: 1, distill: 4}}\n",
            "4:30: distill: 4 does not fit; expected a mapping such as {logits: 1.0, hidden: 6.0}",
        ),
        (
            f"version: 1\nname: a\n{STEP}retrain: {{steps: 1, distill: {{logit: 1}}}}\n",
            "4:31: unknown key 'logit' in distill; did you mean 'logits'?",
        ),
        (
            f"version: 1\nname: a\n{STEP}retrain: {{steps: 1, distill: {{temperature: 0}}}}\n",
            "4:44: temperature: 0 does not fit; expected a number above 0 that both models' "
            "logits are divided by",
        ),
        (
            f"version: 1\nname: a\n{STEP}retrain: {{steps: 1, distill: {{logits: 0, hidden: 0}}}}\n",
            "4:30: distill: one weight must be above 0",
        ),
        (
            f"version: 1\nname: a\n{STEP}reconstruct: {{samples: 0}}\n",
            f"4:24: samples: 0 {SAMPLES}",
        ),
        (
            f"version: 1\nname: a\n{STEP}reconstruct: {{sample: 1}}\n",
            "4:15: unknown key 'sample' in reconstruct; did you mean 'samples'?",
        ),
        (
            f"version: 1\nname: a\n{STEP}reconstruct: 3\n",
            "4:14: reconstruct: 3 does not fit; expected a mapping such as {samples: 1024}",
        ),
        (
            f"version: 1\nname: a\n{STEP}reconstruct:\n",
            "4:13: reconstruct: an empty value does not fit; write such as {samples: 1024}",
        ),
        (
            f"version: 1\nname: a\n{STEP}descripton: b\n",
            "4:1: unknown key 'descripton' in a recipe; did you mean 'description'?",
        ),
        (f"version: 1\nname: a\n{STEP}name: b\n", "4:1: duplicate key 'name', first in line 2"),
        ("", "1:1: the file is empty; a recipe starts with 'version: 1'"),
        ("# nothing\n", "1:1: the file is empty; a recipe starts with 'version: 1'"),
        (
            "---\n- op: drop_ffn\n",
            "2:1: a recipe is a mapping of keys such as 'version' and 'surgery'",
        ),
        ("drop_odd\n", "1:1: a recipe is a mapping of keys such as 'version' and 'surgery'"),
        ("a: b: c\n", "1:5: not valid YAML: mapping values are not allowed here"),
        (
            "a:\n\t- b\n",
            "2:1: not valid YAML: found character '\\t' that cannot start any token "
            "(while scanning for the next token)",
        ),
        ("a: *b\n", "1:4: not valid YAML: found undefined alias 'b'"),
        (
            "a: 1\n---\nb: 2\n",
            "2:1: not valid YAML: but found another document "
            "(expected a single document in the stream)",
        ),
        ("a: 1\nb: \x00\n", "2:4: not valid YAML: the character '\\x00' is not allowed"),
        ('a: "\\UFFFFFFFF"\n', "1:7: not valid YAML: an escape or directive is malformed"),
        (
            f"%YAML {'9' * 5000}.1\n---\na: 1\n",
            "1:7: not valid YAML: an escape or directive is malformed",
        ),
        ('a: "\\uD800"\n', "1:4: text holds half of a surrogate pair, which is not Unicode"),
        ("a: 1\nnäme: é\n".encode("latin-1"), "2:2: not UTF-8 text; save it as UTF-8"),
        ("a: 1\n".encode("utf-16"), "1:1: not UTF-8 text; save it as UTF-8"),
        ("a: &a [*a]\n", "1:4: this value contains itself"),
        ("a: &a {b: {c: *a}}\n", "1:4: this value contains itself"),
        ("a: " + "[" * 30_000, "1:23: nested deeper than 20 levels"),
        ("- " * 30_000, "1:41: nested deeper than 20 levels"),
        ("a: [" + "1," * 20_000 + "]", "1:19999: more than 10000 values, aliases followed"),
        ("#" * 65_537, "1:1: larger than 64 kB, too large for a recipe"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_one_wrong_file(write, content, problem):
    assert problems_of(write(content)) == [f"mine.yaml:{problem}"]


def test_a_bomb_of_aliases_is_refused_in_one_line(write):
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 15)
    )
    [problem] = problems_of(write(bomb))
    assert problem.endswith("more than 10000 values, aliases followed")


def test_a_chain_of_aliases_does_not_evade_the_depth_limit(write):
    chain = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 2000))
    [problem] = problems_of(write(chain))
    assert problem.endswith("nested deeper than 20 levels")


def test_a_number_of_too_many_digits_is_a_problem_of_its_own(write):
    problems = problems_of(write(f"version: {'9' * 5000}\nname: a\n{STEP}"))
    assert problems[0] == f"mine.yaml:1:10: '{'9' * 60}' … cannot be read as a number"


def test_everything_wrong_is_said_at_once_in_the_order_of_the_file(write):
    content = """\
version: 2
name: ../mine
surgery:
  - op: drop_fnn
    layers: odd
  - op: drop_ffn
    layers: [1, ood, 7-2]
    layer_norm: kep
  - op: resize_ffn
    layer: odd
    width: 64
    width: 0
samples: 3
"""
    assert problems_of(write(content)) == [
        f"mine.yaml:1:10: version: 2 {VERSION}",
        f"mine.yaml:2:7: name: '../mine' {NAME}",
        "mine.yaml:4:9: op: 'drop_fnn' is not an operation; did you mean 'drop_ffn'?",
        "mine.yaml:7:17: layers: 'ood' is no layer selector; did you mean 'odd'?",
        "mine.yaml:7:22: layers: '7-2' runs backwards; did you mean '2-7'?",
        "mine.yaml:8:17: layer_norm: 'kep' is not one of keep, remove; did you mean 'keep'?",
        "mine.yaml:9:5: missing key 'layers' in resize_ffn",
        "mine.yaml:10:5: unknown key 'layer' in resize_ffn; did you mean 'layers'?",
        "mine.yaml:12:5: duplicate key 'width', first in line 11",
        f"mine.yaml:13:1: unknown key 'samples' in a recipe; its keys are {KEYS}",
    ]


def test_yaml_is_that_of_version_1_2(write):
    content = (
        "\ufeffversion: 1\r\nname: on\r\ndescription: 1:30\r\nsurgery:\r\n"
        "  - {op: scale_ffn, layers: &some 010, gain: 1e-4}\r\n"
        "  - {op: scale_ffn, layers: *some, gain: 1}\r\n"
    )
    recipe = load_recipe(write(content)).recipe
    assert (recipe.name, recipe.description) == ("on", "1:30")
    assert [step.gain for step in recipe.surgery] == [1e-4, 1.0]
    assert [step.layers.plain() for step in recipe.surgery] == [10, 10]


# Schema and guide


def test_the_schema_is_json_and_describes_every_operation():
    schema = recipe_schema()
    assert json.loads(json.dumps(schema)) == schema
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["required"] == ["version", "name", "surgery"]
    assert schema["additionalProperties"] is False
    for operation in OPERATIONS.values():
        definition = schema["$defs"][operation.__name__]
        assert definition["description"] == operation.__doc__
        assert definition["additionalProperties"] is False
        assert "op" in definition["required"]
        for key, field in definition["properties"].items():
            assert key == "op" or field["description"]
        if operation is OPERATIONS["prune_vocab"]:
            continue
        assert "layers" in definition["required"]
        types = {choice["type"] for choice in definition["properties"]["layers"]["anyOf"]}
        assert types == {"string", "integer", "array"}


def test_the_layers_that_the_schema_gives_as_examples_can_be_read():
    for example in recipe_schema()["$defs"]["DropFfn"]["properties"]["layers"]["examples"]:
        assert parse(example).resolve(12)


def test_the_guide_names_everything():
    guide = GUIDE.read_text(encoding="utf-8")
    mentioned = set(re.findall(r"`([^`\n]+)`", guide))
    assert {*OPERATIONS, *FORMS, *shipped_recipes()} <= mentioned
    keys = {key for operation in OPERATIONS.values() for key in operation.model_fields}
    assert keys <= mentioned


def test_the_example_of_the_guide_is_a_recipe_that_does_what_it_says(write):
    example = re.search(r"```yaml\n(.+?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    resize, drop = load_recipe(write(example[1])).recipe.surgery
    assert resize.layers.resolve(12) == (6, 7, 8, 9, 10, 11)
    assert resize.neurons(3072) == 1536
    assert drop.layers.resolve(12) == (7, 9, 11)


def test_the_table_of_layers_in_the_guide_selects_what_it_says():
    rows = re.findall(
        r"^\| `(.+?)` \| .+? \| (?:`(.+?)`: )?([0-9, ]+) \|$",
        GUIDE.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert len(rows) == len(FORMS) - 2  # less `all` and `least_important N`
    for form, example, layers in rows:
        assert str(list(parse(example or form).resolve(6))) == f"[{layers}]"
