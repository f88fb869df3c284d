"""Pooling as a checkpoint's own files say, against sentence-transformers itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from bertslim.data.pooling import POOLERS, Pooling, read_pooling
from bertslim.errors import ModelError


def write(directory: Path, pooling: Any, *behind: str) -> Path:
    kinds = ["Transformer", "Pooling", *behind]
    modules = [
        {
            "idx": n,
            "path": f"{n}_{kind}" if n else "",
            "type": f"sentence_transformers.models.{kind}",
        }
        for n, kind in enumerate(kinds)
    ]
    (directory / "modules.json").write_text(json.dumps(modules))
    (directory / "1_Pooling").mkdir(exist_ok=True)
    (directory / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    return directory


@pytest.mark.parametrize("mode", POOLERS)
def test_every_pooling_is_that_of_sentence_transformers(mode: str, tmp_path: Path) -> None:
    models = pytest.importorskip("sentence_transformers.models")
    theirs = models.Pooling(8, pooling_mode=mode)
    theirs.save(str(tmp_path))
    pooling = read_pooling(write(tmp_path, json.loads((tmp_path / "config.json").read_text())))
    hidden, mask = torch.randn(3, 5, 8), torch.ones(3, 5, dtype=torch.long)
    mask[1, 3:] = 0
    mask[2, 1:] = 0
    features = {"token_embeddings": hidden, "attention_mask": mask}
    expected = theirs(features)["sentence_embedding"]
    assert torch.allclose(pooling(hidden, mask), expected, atol=1e-6)
    assert str(pooling) == mode


def test_several_modes_stand_side_by_side_and_files_of_old_say_them_one_by_one(
    tmp_path: Path,
) -> None:
    old = {
        "word_embedding_dimension": 8,
        "pooling_mode_cls_token": True,
        "pooling_mode_mean_tokens": True,
        "pooling_mode_max_tokens": False,
    }
    pooling = read_pooling(write(tmp_path, old))
    assert pooling == Pooling(("cls", "mean"))
    hidden = torch.randn(2, 4, 8)
    found = pooling(hidden, torch.ones(2, 4, dtype=torch.long))
    assert torch.allclose(found, torch.cat([hidden[:, 0], hidden.mean(dim=1)], dim=1), atol=1e-6)


def test_a_plain_encoder_has_the_mean(tmp_path: Path) -> None:
    assert read_pooling(tmp_path) == Pooling(("mean",))


def test_modules_behind_the_pooling_are_told_save_for_length_1(tmp_path: Path) -> None:
    found = read_pooling(write(tmp_path, {"pooling_mode": "cls"}, "Dense", "Normalize"))
    assert found == Pooling(("cls",), left_out=("Dense",))


@pytest.mark.parametrize(
    "pooling", [{"pooling_mode": "median"}, {"pooling_mode_mean_tokens": False}]
)
def test_a_pooling_that_is_not_known(tmp_path: Path, pooling: dict[str, Any]) -> None:
    with pytest.raises(
        ModelError, match=r"config.json: the pooling .* is not known; known are cls"
    ):
        read_pooling(write(tmp_path, pooling))


def test_damaged_files_are_named(tmp_path: Path) -> None:
    write(tmp_path, [])
    with pytest.raises(ModelError, match=r"1_Pooling/config.json: is damaged; download it again"):
        read_pooling(tmp_path)
    (tmp_path / "modules.json").write_text("{")
    with pytest.raises(ModelError, match=r"modules.json: is damaged"):
        read_pooling(tmp_path)
