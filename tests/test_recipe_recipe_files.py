"""Where recipes come from, what is reported of wrong ones, their JSON schema and their guide."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertslim.errors import RecipeError
from bertslim.recipe import shipped_recipes as shipped_module
from bertslim.recipe.operations import OPERATIONS
from bertslim.recipe.recipe_files import load_recipe, recipe_schema
from bertslim.recipe.schema import Recipe
from bertslim.recipe.selector_text import FORMS, parse
from bertslim.recipe.shipped_recipes import shipped_recipes
from bertslim.recipe.source import Problem

GUIDE = Path(__file__).parent.parent / "docs" / "recipes.md"
HEAD = "version: 1\nname: mine\nsurgery:\n"


def problems_of(path: str) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    assert caught.value.exit_code == 2
    return caught.value.problems


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


def test_every_file_of_recipes_is_shipped():
    files = {path.stem for path in (Path(__file__).parent.parent / "recipes").iterdir()}
    assert set(shipped_recipes()) == files
    assert "drop_odd" in files


def test_shipped_recipes_say_whether_they_need_texts():
    for name in shipped_recipes():
        recipe = load_recipe(name).recipe
        repaired = recipe.reconstruct is not None
        assert recipe.needs_data == (repaired or recipe.vocabulary_step is not None)
        assert ("texts" in recipe.description) == repaired


def test_shipped_recipes_are_found_inside_an_installed_package(tmp_path, monkeypatch):
    (tmp_path / "recipes").mkdir()
    shipped = tmp_path / "recipes" / "drop_odd.yaml"
    shipped.write_bytes(shipped_recipes()["drop_odd"].read_bytes())
    monkeypatch.setattr(shipped_module, "__file__", str(tmp_path / "recipe" / "any.py"))
    assert shipped_recipes() == {"drop_odd": shipped}


def test_a_file_comes_before_a_shipped_recipe_and_that_before_a_directory(write_recipe):
    write_recipe(HEAD + "  - {op: drop_layer, layers: 0}\n")
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


def test_problems_of_a_plan_are_placed_at_the_nearest_thing_that_exists(write_recipe):
    loaded = load_recipe(write_recipe(HEAD + "  - op: drop_ffn\n    layers: [1,\n      99]\n"))
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
CRITERIA = "magnitude, activation, taylor, fisher, obs, kfac_obs"
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
def test_one_wrong_operation(write_recipe, step, problem):
    assert problems_of(write_recipe(f"{HEAD}  - {step}\n")) == [f"mine.yaml:{problem}"]


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
            "4:10: retrain: set a duration: epochs, steps or minutes",
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
            "4:29: steps: epochs sets the duration already; leave one out",
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
def test_one_wrong_file(write_recipe, content, problem):
    assert problems_of(write_recipe(content)) == [f"mine.yaml:{problem}"]


def test_a_bomb_of_aliases_is_refused_in_one_line(write_recipe):
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 15)
    )
    [problem] = problems_of(write_recipe(bomb))
    assert problem.endswith("more than 10000 values, aliases followed")


def test_a_chain_of_aliases_does_not_evade_the_depth_limit(write_recipe):
    chain = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 2000))
    [problem] = problems_of(write_recipe(chain))
    assert problem.endswith("nested deeper than 20 levels")


def test_a_number_of_too_many_digits_is_a_problem_of_its_own(write_recipe):
    problems = problems_of(write_recipe(f"version: {'9' * 5000}\nname: a\n{STEP}"))
    assert problems[0] == f"mine.yaml:1:10: '{'9' * 60}' … cannot be read as a number"


def test_everything_wrong_is_said_at_once_in_the_order_of_the_file(write_recipe):
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
    assert problems_of(write_recipe(content)) == [
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


def test_yaml_is_that_of_version_1_2(write_recipe):
    content = (
        "\ufeffversion: 1\r\nname: on\r\ndescription: 1:30\r\nsurgery:\r\n"
        "  - {op: scale_ffn, layers: &some 010, gain: 1e-4}\r\n"
        "  - {op: scale_ffn, layers: *some, gain: 1}\r\n"
    )
    recipe = load_recipe(write_recipe(content)).recipe
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


def test_the_example_of_the_guide_is_a_recipe_that_does_what_it_says(write_recipe):
    example = re.search(r"```yaml\n(.+?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    resize, drop = load_recipe(write_recipe(example[1])).recipe.surgery
    assert resize.layers.resolve(12) == (6, 7, 8, 9, 10, 11)
    assert resize.kept(3072) == 1536
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
