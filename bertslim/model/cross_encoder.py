"""What CrossEncoder of sentence-transformers applies to the outputs of a classifier or reranker.

`config_sentence_transformers.json` names the function if it is there, as version 6 writes it, else
`config.json`: under `sentence_transformers` since version 4, and under a key of its own before.
Without any of them it is the sigmoid where there is one output, and none where there are several.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bertslim.file_names import CONFIG_FILE, SENTENCE_TRANSFORMERS_FILE
from bertslim.model.json_files import json_bytes, read_json_object

IDENTITY = "torch.nn.modules.linear.Identity"
_KEY, _SECTION, _OLD_KEY = (
    "activation_fn",
    "sentence_transformers",
    "sbert_ce_default_activation_function",
)


def read_activation(directory: Path) -> str | None:
    """Return the full name of the function; None: no file names one.

    Raises:
        ModelError: A file is damaged.
    """
    path = directory / SENTENCE_TRANSFORMERS_FILE
    if path.is_file() and (name := read_json_object(path).get(_KEY)):
        return str(name)
    config = read_json_object(directory / CONFIG_FILE)
    name = _section(config).get(_KEY) or config.get(_OLD_KEY)
    return str(name) if name else None


def write_activation(directory: Path, name: str | None) -> None:
    """Name the function in the files of a model.

    Args:
        directory: The model.
        name: The full name of the function; None: no file names one any more.
    """
    path = directory / SENTENCE_TRANSFORMERS_FILE
    if path.is_file():
        _change(path, {_KEY: name})
    path = directory / CONFIG_FILE
    section = _with(_section(read_json_object(path)), {_KEY: name})
    _change(path, {_OLD_KEY: None, _SECTION: section or None})


def _change(path: Path, values: Mapping[str, object]) -> None:
    """Set values in a file, or take keys out; a file in which they are so already stays."""
    before = read_json_object(path)
    after = _with(before, values)
    if after != before:
        path.write_bytes(json_bytes(after))


def _section(config: dict[str, Any]) -> dict[str, Any]:
    section = config.get(_SECTION)
    return section if isinstance(section, dict) else {}


def _with(settings: Mapping[str, Any], values: Mapping[str, object]) -> dict[str, Any]:
    """Return settings with other values, those of None taken out."""
    others = {key: value for key, value in settings.items() if key not in values}
    return others | {key: value for key, value in values.items() if value is not None}
