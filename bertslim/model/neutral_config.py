"""The configuration that a model is built with: what makes it what it is, and nothing else.

Settings that only say how a model is to be run, such as `return_dict` or `output_attentions`,
change what comes out of it, and keys that transformers does not know become attributes of the
object. Neither reaches a model here; both stay in the `config.json` of what is made of it. What a
configuration class reads and does not declare is a fact of the family.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import PreTrainedConfig

from bertslim.file_names import CONFIG_FILE
from bertslim.model.families import family_named

_RUN_SETTINGS = {
    "return_dict", "output_hidden_states", "chunk_size_feed_forward", "use_cache",
    "transformers_version",
}  # fmt: skip
_OF_THE_MODEL = {"model_type", "architectures", "per_layer_config", "num_labels"}
_REPLACED = {"torch_dtype", "transformers_version", "_name_or_path", "name_or_path"}
_OF_FOREIGN_CODE = {"auto_map", "custom_pipelines"}


def neutral_config(
    config_class: type[PreTrainedConfig], config: Mapping[str, Any]
) -> PreTrainedConfig:
    """Make the configuration object of what the model is, with no word on how to run it.

    Args:
        config_class: The class of it, stock or slim.
        config: The content of `config.json`.
    """
    made: PreTrainedConfig = config_class.from_dict(
        {key: value for key, value in config.items() if _is_of_the_model(key, config_class)}
    )
    return made


def run_settings(config_class: type[PreTrainedConfig], config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a configuration says beside what the model is, to be kept in what is made of it.

    Args:
        config_class: The class, stock or slim.
        config: The content of `config.json`.
    """
    return {
        key: value
        for key, value in config.items()
        if key not in _REPLACED | _OF_FOREIGN_CODE and not _is_of_the_model(key, config_class)
    }


def keep_settings(directory: Path, settings: Mapping[str, Any]) -> None:
    """Write settings into the `config.json` of a checkpoint, over what is there."""
    if not settings:
        return
    path = directory / CONFIG_FILE
    config = json.loads(path.read_text(encoding="utf-8")) | dict(settings)
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _is_of_the_model(key: str, config_class: type[PreTrainedConfig]) -> bool:
    fields = {field.name for field in dataclasses.fields(config_class)}
    fields |= {*_OF_THE_MODEL, *family_named(config_class.model_type).keywords}
    return (key in fields or key.endswith("_token_id")) and key not in _RUN_SETTINGS
