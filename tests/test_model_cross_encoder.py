"""The function that CrossEncoder applies: read from every place, and written where it is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bertslim.model.cross_encoder import IDENTITY, read_activation, write_activation

SIGMOID = "torch.nn.modules.activation.Sigmoid"
MODERN = {"sentence_transformers": {"activation_fn": SIGMOID, "version": "5.0"}}
OLD = {"sbert_ce_default_activation_function": SIGMOID}


def save(directory: Path, config: dict[str, Any], settings: dict[str, Any] | None) -> None:
    (directory / "config.json").write_text(json.dumps({"bos_token_id": None} | config))
    if settings is not None:
        (directory / "config_sentence_transformers.json").write_text(json.dumps(settings))


@pytest.mark.parametrize("settings", [None, {}, {"activation_fn": IDENTITY, "prompts": {}}])
@pytest.mark.parametrize("config", [{}, MODERN, OLD])
def test_what_is_written_is_read_and_the_rest_stays(
    config: dict[str, Any], settings: dict[str, Any] | None, tmp_path: Path
) -> None:
    save(tmp_path, config, settings)
    before = SIGMOID if config else None
    assert read_activation(tmp_path) == (IDENTITY if settings else before)
    for name in ("torch.nn.modules.activation.Tanh", None):
        write_activation(tmp_path, name)
        assert read_activation(tmp_path) == name
    left = json.loads((tmp_path / "config.json").read_text())
    version = {"sentence_transformers": {"version": "5.0"}} if config is MODERN else {}
    assert left == {"bos_token_id": None, **version}
    if settings:
        path = tmp_path / "config_sentence_transformers.json"
        assert json.loads(path.read_text()) == {"prompts": {}}


def test_what_is_so_already_is_not_written(tmp_path: Path) -> None:
    save(tmp_path, MODERN, {"activation_fn": SIGMOID})
    before = [path.read_bytes() for path in sorted(tmp_path.iterdir())]
    write_activation(tmp_path, SIGMOID)
    assert [path.read_bytes() for path in sorted(tmp_path.iterdir())] == before
