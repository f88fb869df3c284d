"""What the configuration of a slim model says, and what it keeps of the base's."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import transformers

from bertslim.model.config_facts import read_facts
from bertslim.model.families import FAMILIES
from bertslim.model.heads import heads_of
from bertslim.model.slim_config import slim_config
from bertslim.recipe.plan import make_plan
from support.families import each_layered_family, head_or_encoder


@pytest.fixture
def slim(make_recipe, tiny_config):
    """Return a function: a base configuration and operations in, the slim configuration out."""

    def make(
        config: dict[str, Any], *operations: dict[str, Any], bias_heads: Any = ()
    ) -> dict[str, Any]:
        before = copy.deepcopy(config)
        facts = read_facts(config)
        recipe = make_recipe(*operations, reconstruct={"samples": 1})
        plan = make_plan(recipe, facts).record
        made = slim_config(config, facts, plan, bias_heads)
        assert read_facts(made).layers == plan.slim_layers
        assert config == before
        assert json.loads(json.dumps(made)) == made
        return made

    return make


@pytest.fixture
def base(tiny_config):
    """Return a function that makes the `config.json` of a tiny stock model."""

    def make(model_type: str = "bert", head: str = "", **changes: Any) -> dict[str, Any]:
        architecture = FAMILIES[model_type].architecture(head)
        config = tiny_config(model_type, architectures=[architecture], **changes)
        return json.loads(config.to_json_string())

    return make


@each_layered_family
def test_an_even_result_stays_a_stock_configuration(model_type: str, base, slim) -> None:
    keys = FAMILIES[model_type].keys
    config = base(
        model_type, head_or_encoder(model_type, "MaskedLM"), auto_map={"AutoModel": "evil.Model"}
    )
    made = slim(
        config,
        {"op": "resize_ffn", "layers": "all", "width": 24},
        {"op": "drop_layer", "layers": 2},
        {"op": "scale_ffn", "layers": 1, "gain": 2.0},
    )
    del config["auto_map"]
    lists = {key: config[key][:2] + config[key][3:] for key in FAMILIES[model_type].layer_lists}
    assert made == config | lists | {keys.layers: 3, keys.intermediate_size: 24}


@each_layered_family
def test_an_uneven_result_says_how_each_layer_differs(model_type: str, base, slim) -> None:
    family = FAMILIES[model_type]
    keys = family.keys
    head = head_or_encoder(model_type, "TokenClassification")
    config = base(model_type, head) | {"id2label": {"0": "O", "1": "PER"}}
    made = slim(
        config,
        {"op": "drop_ffn", "layers": 0},
        {"op": "drop_layer", "layers": 1},
        {"op": "resize_ffn", "layers": 2, "width": 8},
        {"op": "drop_ffn", "layers": 3, "layer_norm": "remove"},
        {"op": "drop_attention", "layers": 3, "layer_norm": "remove"},
    )
    assert made["model_type"] == f"slim_{model_type}"
    assert made["architectures"] == [f"Slim{family.architecture(head)}"]
    assert (made[keys.layers], made[keys.intermediate_size]) == (3, 8)
    everything = ["attention", "attention_norm", "ffn", "ffn_norm"]
    with_norm = ["ffn", "ffn_norm"] if family.layout.ffn.norm_before else ["ffn"]
    assert made["per_layer_config"] == {
        "0": {"skip": with_norm, keys.intermediate_size: 0},
        "2": {"skip": everything, keys.heads: 0, keys.intermediate_size: 0},
    }
    changed = {key for key in made if made[key] != config.get(key)}
    assert changed == {
        *("model_type", "architectures", "auto_map", "per_layer_config"),
        *(keys.layers, keys.intermediate_size),
        *family.layer_lists,
        *({"head_dim"} - config.keys() if family.layout.attention.head_size == "head_dim" else ()),
    }
    assert config.keys() <= made.keys()


def test_the_widest_layer_is_the_rule_the_others_the_exceptions(base, slim) -> None:
    made = slim(
        base(),
        {"op": "resize_ffn", "layers": [0, 1, 3], "width": 16},
        {"op": "resize_ffn", "layers": 2, "width": 48},
    )
    assert made["intermediate_size"] == 48
    assert made["per_layer_config"] == {
        number: {"intermediate_size": 16} for number in ("0", "1", "3")
    }


@each_layered_family
def test_linear_maps_and_shared_blocks_are_named(model_type: str, base, slim) -> None:
    width = FAMILIES[model_type].keys.intermediate_size
    made = slim(
        base(model_type),
        {"op": "drop_layer", "layers": 1},
        {"op": "drop_ffn", "layers": 0, "fill": "linear"},
        {"op": "resize_ffn", "layers": "2-3", "width": 24, "bypass": 8},
        {"op": "share_ffn", "layers": "2-3"},
        {"op": "prune_heads", "layers": 0, "heads": 3, "criterion": "magnitude"},
        bias_heads=[[0, 2, 3], None, None] if FAMILIES[model_type].heads_share_bias else (),
    )
    heads: dict[str, Any] = {FAMILIES[model_type].keys.heads: 3}
    if FAMILIES[model_type].heads_share_bias:
        heads["bias_heads"] = [0, 2, 3]
    assert made[width] == 24
    assert made["per_layer_config"] == {
        "0": {"skip": ["ffn"], **heads, width: 0, "linear_rank": 32},
        "1": {"linear_rank": 8},
        "2": {"linear_rank": 8, "ffn_of": 1},
    }
    assert not {"linear_rank", "ffn_of"} & made.keys()


def test_where_every_layer_has_a_bypass_the_width_is_that_of_none(base, slim) -> None:
    """Else a stock class would take the configuration and leave the bypasses out."""
    made = slim(base(), {"op": "resize_ffn", "layers": "all", "width": 24, "bypass": 8})
    assert made["intermediate_size"] == 25
    bypassed = {"intermediate_size": 24, "linear_rank": 8}
    assert made["per_layer_config"] == dict.fromkeys("0123", bypassed)


@pytest.mark.parametrize("silent", [False, True])
def test_without_any_ffn_the_width_stays_that_of_the_base(silent: bool, base, slim) -> None:
    config = base()
    if silent:
        del config["intermediate_size"]
    made = slim(config, {"op": "drop_ffn", "layers": "all"})
    assert made["intermediate_size"] == (3072 if silent else 64)
    skipped = {"skip": ["ffn"], "intermediate_size": 0}
    assert made["per_layer_config"] == dict.fromkeys("0123", skipped)


@each_layered_family
def test_the_auto_map_names_what_the_auto_classes_would_take(model_type: str, base, slim) -> None:
    family = FAMILIES[model_type]
    made = slim(base(model_type), {"op": "drop_ffn", "layers": 0})["auto_map"]
    assert made.pop("AutoConfig") == f"slim_modeling.Slim{family.class_prefix}Config"
    config_class = type(transformers.AutoConfig.for_model(model_type))
    stock = {
        name: mapping[config_class].__name__
        for name in dir(transformers)
        if name.startswith("AutoModel")
        and name not in ("AutoModelForCausalLM", "AutoModelForDocumentQuestionAnswering")
        and config_class in (mapping := getattr(transformers, name)._model_mapping or {})
    }
    named = {auto: name.removeprefix("slim_modeling.Slim") for auto, name in made.items()}
    assert stock.items() <= named.items()
    assert set(named.values()) == {family.architecture(head) for head in heads_of(family)}


def test_a_slim_configuration_can_be_cut_again(base, slim) -> None:
    first = slim(
        base(),
        {"op": "drop_ffn", "layers": 1},
        {"op": "resize_ffn", "layers": 2, "width": 16},
        {"op": "drop_attention", "layers": 3},
    )
    second = slim(first, {"op": "drop_layer", "layers": 0}, {"op": "drop_ffn", "layers": 3})
    assert second["model_type"] == "slim_bert"
    assert second["num_hidden_layers"] == 3
    assert second["intermediate_size"] == 16
    assert second["per_layer_config"] == {
        "0": {"skip": ["ffn"], "intermediate_size": 0},
        "2": {"skip": ["attention", "ffn"], "num_attention_heads": 0, "intermediate_size": 0},
    }
    assert slim(second, {"op": "drop_layer", "layers": [0, 2]}) == base() | {
        "num_hidden_layers": 1,
        "intermediate_size": 16,
    }


def test_a_silent_base_stays_silent(slim) -> None:
    made = slim({"model_type": "bert"}, {"op": "drop_layer", "layers": "last half"})
    assert made == {
        "model_type": "bert",
        "architectures": ["BertModel"],
        "num_hidden_layers": 6,
        "intermediate_size": 3072,
    }
