"""Settings of `config.json` that say how to run a model change nothing here, and stay in results."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from transformers import BertConfig, PreTrainedConfig
from transformers.generation import GenerationConfig

from bertslim.errors import ModelError
from bertslim.model.checkpoint import load_checkpoint, load_model
from bertslim.model.families import FAMILIES
from bertslim.model.neutral_config import neutral_config, run_settings

FACTS = {"architectures", "dtype", "id2label", "label2id", "problem_type", "is_encoder_decoder"}
SETTINGS: dict[str, Any] = {
    "return_dict": False,
    "use_return_dict": False,
    "output_attentions": True,
    "output_hidden_states": True,
    "torchscript": True,
    "use_cache": False,
    "gradient_checkpointing": True,
    "chunk_size_feed_forward": 2,
    "attn_implementation": "flash_attention_2",
    "_attn_implementation": "eager",
    "_attn_implementation_internal": "flash_attention_2",
    "experts_implementation": "grouped_mm",
    "tie_last_hidden_states": True,
    "use_bfloat16": True,
    "transformers_version": "2.0.0",
    "custom_key": [1],
    "to_dict": 3,
    "save_pretrained": "x",
    "name": "\x1b[31m",
}


def changed(base: Path, directory: Path, **changes: Any) -> Path:
    shutil.copytree(base, directory)
    path = directory / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return directory


def all_settings() -> dict[str, Any]:
    """Return an odd value of every key that transformers knows beside what a model is."""
    known = {field.name for field in dataclasses.fields(PreTrainedConfig)} - FACTS
    known |= set(GenerationConfig().to_dict())
    not_ids = {key for key in known if not key.endswith("_token_id")}
    return dict.fromkeys(sorted(not_ids), "odd") | SETTINGS


@pytest.mark.parametrize("model_type", FAMILIES)
def test_nothing_but_what_a_model_is_reaches_it(
    model_type: str, make_checkpoint, answer, tmp_path: Path
) -> None:
    base = make_checkpoint(model_type)
    found = load_checkpoint(changed(base, tmp_path / "base", **all_settings()))
    usual = load_checkpoint(base)
    assert torch.equal(answer(found.model), answer(usual.model))
    settled, like = (model.config.to_dict() for model in (found.model, usual.model))
    assert settled | {"_name_or_path": ""} == like | {"_name_or_path": ""}
    assert found.facts == usual.facts


@pytest.mark.parametrize(("key", "value"), SETTINGS.items())
def test_each_setting_changes_nothing_and_stays(
    key: str, value: object, make_checkpoint, cut, answer, tmp_path: Path
) -> None:
    usual = make_checkpoint()
    base = changed(usual, tmp_path / "base", **{key: value})
    for recipe in ("drop_odd", "halve_width"):
        found = load_checkpoint(cut(base, recipe))
        assert torch.equal(answer(found.model), answer(load_checkpoint(cut(usual, recipe)).model))
        written = json.loads((cut(base, recipe) / "config.json").read_text())
        stays = transformers.__version__ if key == "transformers_version" else value
        assert written.pop(key) == stays
        like = json.loads((cut(usual, recipe) / "config.json").read_text())
        like.pop(key, None)
        assert written == like


def test_what_a_user_loads_runs_as_it_says(make_checkpoint, example_inputs, tmp_path: Path) -> None:
    base = changed(make_checkpoint(), tmp_path / "base", output_hidden_states=True)
    with torch.no_grad():
        outputs = load_model(base)(**example_inputs())
    assert len(outputs.hidden_states) == 5
    tuples = changed(make_checkpoint(), tmp_path / "tuples", return_dict=False)
    with torch.no_grad():
        assert isinstance(load_model(tuples)(**example_inputs()), tuple)


def test_a_setting_that_no_object_can_have_is_an_error_of_the_user_only(
    make_checkpoint, tmp_path: Path
) -> None:
    base = changed(make_checkpoint(), tmp_path / "base", num_labels=3, use_return_dict=[])
    assert load_checkpoint(base).facts.labels == 3
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_model(base)


def test_ids_of_tokens_stay_what_they_are() -> None:
    ids = {"pad_token_id": 1, "sep_token_id": 2, "decoder_start_token_id": 3}
    made = neutral_config(BertConfig, {"model_type": "bert", **ids})
    assert {key: getattr(made, key) for key in ids} == ids
    assert run_settings(BertConfig, {"model_type": "bert", **ids}) == {}
