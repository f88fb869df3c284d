"""The `config.json` beside a file that runs by itself, such as ONNX."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bertslim.model.config_facts import family_of
from bertslim.model.families import SLIM_PREFIX

_SLIM_CLASS = "Slim"
_OF_CODE = ("auto_map", "custom_pipelines")


def stock_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration of the stock class, without what sets layers apart and without code.

    The layers are in the file. What runs it looks here for the model type, the labels and how texts
    are read, and most of these know no other types than those of transformers.

    Args:
        config: The content of a checkpoint's `config.json`, stock or slim.

    Raises:
        ModelError: The family is not supported.
    """
    made = {key: value for key, value in config.items() if key not in _OF_CODE}
    if not str(config.get("model_type")).startswith(SLIM_PREFIX):
        return made
    del made["per_layer_config"]
    names = [name.removeprefix(_SLIM_CLASS) for name in config["architectures"]]
    return made | {"model_type": family_of(config).model_type, "architectures": names}
