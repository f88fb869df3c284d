"""What goes along with the weights, and what stays behind."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from bertslim.errors import ModelError
from bertslim.model.copied_files import copy_files

WEIGHTS = "model.safetensors"


def test_tokenizer_and_sentence_transformers_files_go_along_stale_ones_do_not(
    make_checkpoint, tmp_path: Path
) -> None:
    source = shutil.copytree(make_checkpoint("bert", "", tokenizer=True), tmp_path / "source")
    tokenizer = {path.name for path in source.iterdir()} - {"config.json", WEIGHTS}
    modules = ["", "1_Pooling", "2_Dense", "3_Normalize", "2_Dense", "..", "../outside", "a/b"]
    (source / "modules.json").write_text(json.dumps([{"path": path} for path in modules]))
    for folder in (
        "1_Pooling",
        "2_Dense",
        "onnx",
        "openvino",
        "checkpoint-500",
        "../outside",
        "a/b",
    ):
        (source / folder).mkdir(parents=True)
        (source / folder / "config.json").write_text("{}")
    (source / "2_Dense" / WEIGHTS).write_bytes(b"dense")
    stale = (
        *(
            "pytorch_model.bin",
            "tf_model.h5",
            "flax_model.msgpack",
            "model.onnx",
            "model.onnx_data",
            "model.pt2",
            "openvino_model.xml",
            "openvino_model.bin",
        ),
        *("training_args.bin", "optimizer.pt", "model.safetensors.index.json", "README.md"),
        *("trainer_state.json", "bertslim.json", "report.md", "recipe.yaml", ".gitattributes"),
    )
    for name in (*stale, "LICENSE", "sentence_bert_config.json", "custom.txt"):
        (source / name).write_text(name)
    target = tmp_path / "target"
    target.mkdir()
    (target / "config.json").write_text("mine")
    copy_files(source, target)
    carried = {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}
    assert carried == tokenizer | {
        *("config.json", "modules.json", "sentence_bert_config.json", "LICENSE", "custom.txt"),
        *("1_Pooling/config.json", "2_Dense/config.json", "2_Dense/model.safetensors"),
    }
    assert (target / "config.json").read_text() == "mine"
    assert (target / "2_Dense" / WEIGHTS).read_bytes() == b"dense"


@pytest.mark.parametrize("content", ["{", '{"path": 1}', "[1]", "[{}]", "3", '[{"idx": 0}]'])
def test_a_damaged_list_of_modules(content: str, tmp_path: Path) -> None:
    for name in ("source", "target"):
        (tmp_path / name).mkdir()
    (tmp_path / "source" / "modules.json").write_text(content)
    with pytest.raises(ModelError, match=r"modules\.json: is not a valid sentence-transformers"):
        copy_files(tmp_path / "source", tmp_path / "target")


def test_a_model_that_is_no_embedder_any_more(make_checkpoint, tmp_path: Path) -> None:
    source = shutil.copytree(make_checkpoint("bert", ""), tmp_path / "source")
    (source / "modules.json").write_text(json.dumps([{"path": "1_Pooling"}]))
    (source / "config_sentence_transformers.json").write_text("{}")
    (source / "LICENSE").write_text("free")
    (source / "1_Pooling").mkdir()
    (tmp_path / "target").mkdir()
    copy_files(source, tmp_path / "target", as_embedder=False)
    assert [path.name for path in (tmp_path / "target").iterdir()] == ["LICENSE"]
