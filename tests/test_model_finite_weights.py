"""Weights that nothing can be computed from are refused by name, wherever they lie."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from bertslim.errors import ModelError
from bertslim.model.checkpoint import load_checkpoint, load_model, load_with_new_head
from bertslim.model.finite_weights import LARGEST, require_finite_weights

WEIGHTS = "model.safetensors"
LAYER = "bert.encoder.layer.1.output.dense.weight"
BAD = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf, "1e30": 1e30, "-1e30": -1e30}


def spoilt(base: Path, directory: Path, name: str, value: float) -> Path:
    shutil.copytree(base, directory)
    state = load_file(directory / WEIGHTS)
    state[name].view(-1)[-1] = value
    save_file(state, directory / WEIGHTS)
    return directory


def fault_of(value: float) -> str:
    return "numbers as large as 1e+30" if math.isfinite(value) else "no finite numbers"


@pytest.mark.parametrize("value", BAD.values(), ids=BAD)
@pytest.mark.parametrize("name", [LAYER, "bert.embeddings.LayerNorm.bias", "classifier.bias"])
def test_a_damaged_weight_is_named(
    name: str, value: float, make_checkpoint, tmp_path: Path
) -> None:
    directory = spoilt(make_checkpoint(), tmp_path / "base", name, value)
    for load in (load_checkpoint, load_model):
        with pytest.raises(ModelError) as caught:
            load(directory)
        assert str(caught.value) == (
            f"{directory}: {name} holds {fault_of(value)}; "
            "the weights are damaged: download or train them again"
        )


def test_weights_that_are_only_carried_along_are_checked(make_checkpoint, tmp_path: Path) -> None:
    directory = spoilt(
        make_checkpoint("bert", "PreTraining"), tmp_path / "base", "bert.pooler.dense.bias", 1e30
    )
    config = directory / "config.json"
    config.write_text(config.read_text().replace("BertForPreTraining", "BertForMaskedLM"))
    with pytest.raises(ModelError, match=r"bert\.pooler\.dense\.bias holds numbers as large as"):
        load_checkpoint(directory)


def test_an_encoder_that_gets_a_new_head_is_checked(make_checkpoint, tmp_path: Path) -> None:
    directory = spoilt(make_checkpoint(), tmp_path / "base", LAYER, math.nan)
    with pytest.raises(ModelError, match=f"{LAYER} holds no finite numbers"):
        load_with_new_head(directory, ("a", "b"), seed=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_what_a_type_holds_is_not_refused(dtype: torch.dtype) -> None:
    largest = min(torch.finfo(dtype).max, LARGEST)
    usual = {"a": torch.tensor([largest, -largest, 0.0]).to(dtype) * 0.99, "b": torch.empty(0)}
    require_finite_weights((*usual.items(), ("ids", torch.arange(3))), Path("here"))
    with pytest.raises(ModelError, match=r"^here: c holds no finite numbers"):
        require_finite_weights([("c", torch.tensor([0.0, math.nan]).to(dtype))], Path("here"))
