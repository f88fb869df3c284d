"""The values of `config.json` that no shape depends on, in and out of their range."""

from __future__ import annotations

import math

import pytest

from bertslim.errors import ModelError
from bertslim.model.config_facts import read_facts
from bertslim.model.families import FAMILIES

NAN, INF = math.nan, math.inf
DROPOUTS = ("hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "classifier_dropout")
SWITCHES = ("tie_word_embeddings", "summary_use_proj", "is_decoder", "add_cross_attention")


def refusal(model_type: str = "bert", **changes: object) -> str:
    with pytest.raises(ModelError) as caught:
        read_facts({"model_type": model_type} | changes)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("key", DROPOUTS)
@pytest.mark.parametrize("value", [-0.1, 1.5, 10**400, NAN, INF, "0.1", True, [0.1], {}])
def test_a_dropout_that_is_no_share(key: str, value: object) -> None:
    assert refusal(**{key: value}).startswith(f"config.json: {key} is ")
    assert refusal(**{key: value}).endswith(", not a number from 0 to 1")


@pytest.mark.parametrize("value", [0, -1e-12, 2.0, 1e30, NAN, INF, "1e-12", True, []])
def test_an_eps_that_no_norm_can_have(value: object) -> None:
    message = refusal(layer_norm_eps=value)
    assert message.startswith("config.json: layer_norm_eps is ")
    assert message.endswith(", not a number above 0, up to 1")


@pytest.mark.parametrize("value", [-0.1, NAN, INF, -INF, "x", False])
def test_a_range_of_first_weights_that_is_none(value: object) -> None:
    assert refusal(initializer_range=value).endswith(", not a finite number from 0 on")


@pytest.mark.parametrize("key", SWITCHES)
@pytest.mark.parametrize("value", ["true", 1, 0, []])
def test_a_switch_that_is_neither_on_nor_off(key: str, value: object) -> None:
    message = refusal(**{key: value})
    assert message.endswith((", not true or false", "; bertslim cuts encoders"))


@pytest.mark.parametrize("value", [-3, -1, 0.5, "0", True, NAN, [0]])
@pytest.mark.parametrize("model_type", FAMILIES)
def test_a_padding_that_is_no_id(model_type: str, value: object) -> None:
    assert refusal(model_type, pad_token_id=value).startswith("config.json: pad_token_id is ")


def test_a_padding_beyond_the_vocabulary() -> None:
    assert refusal(pad_token_id=30522) == (
        "config.json: pad_token_id is 30,522, and vocab_size 30,522; correct the one that is wrong"
    )
    assert read_facts({"model_type": "bert", "pad_token_id": 30521}).vocab_size == 30522


def test_positions_that_are_counted_from_a_padding_need_one() -> None:
    assert "pad_token_id is an empty value" in refusal("roberta", pad_token_id=None)
    assert read_facts({"model_type": "bert", "pad_token_id": None}).max_length == 512
    assert read_facts({"model_type": "roberta"}).max_length == 510


@pytest.mark.parametrize("value", ["classification", 1, ["regression"]])
def test_a_problem_type_of_no_kind(value: object) -> None:
    message = refusal(problem_type=value)
    assert message.startswith("config.json: problem_type is ")
    assert message.endswith("regression, single_label_classification, multi_label_classification")


@pytest.mark.parametrize("key", ["is_decoder", "add_cross_attention", "is_encoder_decoder"])
def test_a_decoder(key: str) -> None:
    assert refusal(**{key: True}) == (
        "config.json: decoders and cross-attention are not supported; bertslim cuts encoders"
    )
    assert read_facts({"model_type": "bert", key: False}).hidden_size == 768


def test_heads_that_transformers_pruned() -> None:
    assert refusal(pruned_heads={"0": [0]}) == (
        "config.json: pruned_heads: heads were pruned by a function that transformers no longer "
        "has; give the model as it was before, and cut its heads with prune_heads"
    )
    for nothing in ({}, {"0": []}, None):
        assert read_facts({"model_type": "bert", "pruned_heads": nothing}).layers[0].heads == 12


def test_quantised_weights() -> None:
    assert refusal(quantization_config={"load_in_8bit": True}) == (
        "config.json: quantization_config: quantised weights are not supported; "
        "give the weights that they were made from"
    )


def test_more_layers_than_any_encoder_has() -> None:
    assert refusal(num_hidden_layers=10**7) == (
        "config.json: num_hidden_layers is 10,000,000; "
        "no encoder of more than 10,000 layers is read"
    )


def test_a_layer_that_differs_in_what_no_layer_may() -> None:
    overrides = {"1": {"hidden_act": "relu"}}
    message = refusal("slim_bert", per_layer_config=overrides)
    assert message.startswith("config.json: per_layer_config: layer 1 sets 'hidden_act'; known are")


@pytest.mark.parametrize("model_type", ["mpnet", "distilbert"])
def test_token_types_of_a_family_without_are_not_counted(model_type: str) -> None:
    config = {"model_type": model_type}
    assert read_facts(config | {"type_vocab_size": 2}) == read_facts(config)
