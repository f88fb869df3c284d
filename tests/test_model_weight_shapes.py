"""Sizes in `config.json` are held to the shapes in the file of weights, before a model is built."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from bertslim.errors import ModelError
from bertslim.model.description import describe_checkpoint, hold_to_weights
from bertslim.model.families import FAMILIES, Family

WEIGHTS = "model.safetensors"
NO_SIZES = {
    "a float": 3.5,
    "a whole float": 32.0,
    "a text": "32",
    "a yes": True,
    "a list": [32],
    "below 0": -1,
    "not a number": float("nan"),
    "infinite": float("inf"),
}


def size_keys(family: Family) -> tuple[str, ...]:
    """Return the keys of all sizes that the weights of a family know."""
    keys = family.keys
    sizes = [keys.hidden_size, keys.layers, keys.heads, keys.intermediate_size, "vocab_size"]
    there = (table.key for table in family.embeddings if family.defaults[table.key])
    sizes += [key for key in there if key != "vocab_size"]
    sizes += ["embedding_size"] if "embedding_size" in family.defaults else []
    sizes += [table.rows[0] for table in family.shared_tables if len(table.rows) == 1]
    return tuple(dict.fromkeys(sizes))


# One of each kind of embeddings, layout and keys, whose tensors have the names of the modules.
KINDS = ("bert", "roberta", "electra", "mpnet", "distilbert", "deberta-v2", "modernbert")

every_size = pytest.mark.parametrize(
    ("model_type", "key"),
    [(name, key) for name in KINDS for key in size_keys(FAMILIES[name])],
)


@pytest.fixture
def said(make_checkpoint):
    """Return a function that says what comes of a configuration with another value."""

    def say(model_type: str, **changes: Any) -> str:
        usual = describe_checkpoint(make_checkpoint(model_type))
        try:
            described = hold_to_weights(usual.config | changes, usual.weights)
        except ModelError as error:
            assert "\n" not in str(error)
            return str(error)
        assert described.facts == usual.facts
        return "as it is"

    return say


@every_size
@pytest.mark.parametrize("value", NO_SIZES.values(), ids=NO_SIZES)
def test_what_is_no_size_is_refused(model_type: str, key: str, value: object, said) -> None:
    assert said(model_type, **{key: value}).startswith(f"config.json: {key} is ")


@every_size
@pytest.mark.parametrize("value", [0, 31, 10**9, 10**400], ids=["none", "few", "many", "no end"])
def test_a_size_that_the_weights_have_not_is_refused_at_once(
    model_type: str, key: str, value: int, said
) -> None:
    """Nothing of that size is built: a billion layers would take for ever."""
    refused = said(model_type, **{key: value})
    assert refused.startswith("config.json: ")
    assert key in refused or "attention heads do not divide" in refused


@every_size
def test_a_size_that_is_not_there_is_the_default_of_the_family(
    model_type: str, key: str, said
) -> None:
    """Which is not the size of these weights, but for a few."""
    family = FAMILIES[model_type]
    default = family.defaults[key]
    assert said(model_type, **{key: None}) == said(model_type, **{key: default})


def test_names_of_several_devices_are_refused(make_checkpoint, tmp_path: Path) -> None:
    directory = shutil.copytree(make_checkpoint(), tmp_path / "copy")
    state = load_file(directory / WEIGHTS)
    save_file({f"module.{name}": state[name] for name in state}, directory / WEIGHTS)
    with pytest.raises(ModelError) as caught:
        describe_checkpoint(directory)
    assert str(caught.value) == (
        f"{directory}: the names of the weights begin with `module.`, as DataParallel saves them; "
        "save its `module` with `save_pretrained`"
    )


def test_a_slim_layer_without_a_single_tensor_is_one(make_checkpoint, make_recipe, cut) -> None:
    recipe = make_recipe(
        {"op": "drop_attention", "layers": 3, "layer_norm": "remove"},
        {"op": "drop_ffn", "layers": 3, "layer_norm": "remove"},
    )
    assert len(describe_checkpoint(cut(make_checkpoint(), recipe)).facts.layers) == 4
