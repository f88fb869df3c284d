"""The stock configuration of every family: transformers reads it as its own."""

from __future__ import annotations

import json

from transformers import AutoConfig

from bertslim.model.stock_config import stock_config
from support.families import each_layered_family


@each_layered_family
def test_what_was_cut_in_all_ways_reads_as_the_stock_class(model_type: str, cut_all_ways) -> None:
    config = json.loads((cut_all_ways(model_type) / "config.json").read_text())
    assert config["model_type"] == f"slim_{model_type}"
    made = stock_config(config)
    assert made["model_type"] == model_type
    assert not {"auto_map", "per_layer_config"} & made.keys()
    read = AutoConfig.for_model(**made)
    assert read.model_type == model_type
    assert read.id2label == AutoConfig.for_model(model_type, id2label=config["id2label"]).id2label


def test_a_stock_configuration_stays_but_for_code() -> None:
    config = {"model_type": "bert", "hidden_size": 32, "auto_map": {"AutoModel": "a.B"}}
    assert stock_config(config) == {"model_type": "bert", "hidden_size": 32}
