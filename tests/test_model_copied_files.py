"""What goes along with the weights, and what stays behind."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from bertslim.errors import ModelError
from bertslim.model.copied_files import copy_files, files_to_copy, side_files

WEIGHTS = "model.safetensors"


MODULES = [("Transformer", ""), ("Pooling", "1_Pooling"), ("Dense", "2_Dense"), ("Dense", "a/b")]


def list_modules(root: Path, modules: Sequence[tuple[str, str]] = MODULES) -> None:
    """Write modules.json and a file into each module's folder."""
    entries = [
        {"type": f"sentence_transformers.models.{kind}", "path": path} for kind, path in modules
    ]
    (root / "modules.json").write_text(json.dumps(entries))
    for _, path in modules[1:]:
        (root / path).mkdir(parents=True)
        (root / path / "config.json").write_text("{}")


def test_tokenizer_and_sentence_transformers_files_go_along_stale_ones_do_not(
    make_checkpoint, tmp_path: Path
) -> None:
    source = shutil.copytree(make_checkpoint("bert", "", tokenizer=True), tmp_path / "source")
    tokenizer = {path.name for path in source.iterdir()} - {"config.json", WEIGHTS}
    list_modules(source)
    for folder in ("onnx", "openvino", "checkpoint-500"):
        (source / folder).mkdir()
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
        *("frontier.json", "frontier.html", "frontier.svg"),
    )
    for name in (*stale, "LICENSE", "custom.txt"):
        (source / name).write_text(name)
    (source / "sentence_bert_config.json").write_text("{}")
    target = tmp_path / "target"
    target.mkdir()
    (target / "config.json").write_text("mine")
    assert copy_files(source, target) == ()
    carried = {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}
    assert carried == tokenizer | {
        *("config.json", "modules.json", "sentence_bert_config.json", "LICENSE", "custom.txt"),
        *("1_Pooling/config.json", "2_Dense/config.json", "2_Dense/model.safetensors"),
        "a/b/config.json",
    }
    assert (target / "config.json").read_text() == "mine"
    assert (target / "2_Dense" / WEIGHTS).read_bytes() == b"dense"


CODE = (
    *("modeling_evil.py", "evil.ipynb", "evil.pkl", "evil.pickle", "evil.joblib", "run.sh"),
    *("evil.so", "evil.exe", "evil.pyc", "evil.PY", "evil.npz", "evil.zip", "Makefile"),
)


def test_no_code_goes_along_and_what_stays_behind_is_named(make_checkpoint, tmp_path: Path) -> None:
    source = shutil.copytree(make_checkpoint("bert", "", tokenizer=True), tmp_path / "source")
    list_modules(source, [("Transformer", ""), ("Pooling", "1_Pooling")])
    for name in (*CODE, "1_Pooling/evil.py"):
        (source / name).write_text("raise SystemExit")
    for name in ("config.json", "tokenizer_config.json"):
        settings = json.loads((source / name).read_text()) | {"auto_map": {"AutoModel": "evil.A"}}
        (source / name).write_text(json.dumps(settings))
    target = tmp_path / "target"
    target.mkdir()
    (note,) = copy_files(source, target)
    assert note.startswith(
        "code of the base, or what may be code, stays behind: auto_map in config"
    )
    left = files_to_copy(source).left_behind
    assert set(left) == {
        *CODE, "1_Pooling/evil.py", "auto_map in config.json", "auto_map in tokenizer_config.json",
    }  # fmt: skip
    carried = [path for path in target.rglob("*") if path.is_file()]
    assert {path.suffix for path in carried} <= {".json", ".txt"}
    assert not any("evil" in path.read_text() for path in carried)


@pytest.mark.parametrize("slim", [False, True])
def test_beside_an_export_there_is_a_stock_configuration_and_no_code(
    slim: bool, make_checkpoint, cut, tmp_path: Path
) -> None:
    base = make_checkpoint("bert", "", tokenizer=True)
    source = shutil.copytree(cut(base, "drop_odd") if slim else base, tmp_path / "source")
    settings = json.loads((source / "config.json").read_text())
    settings["auto_map"] = {"AutoModel": "repository--evil.A"}
    (source / "config.json").write_text(json.dumps(settings))
    (source / "slim_modeling.py").write_text("raise SystemExit")
    target = tmp_path / "target"
    side_files(source).write(target)
    found, stock = (json.loads((one / "config.json").read_text()) for one in (target, base))
    assert found == stock
    assert not list(target.glob("*.py"))


def test_pickled_weights_of_a_module_are_written_anew_without_the_pickle(
    make_checkpoint, tmp_path: Path
) -> None:
    source = shutil.copytree(make_checkpoint("bert", ""), tmp_path / "source")
    list_modules(source)
    weight = torch.randn(3, 2)
    torch.save({"linear.weight": weight}, source / "2_Dense/pytorch_model.bin")
    (tmp_path / "target").mkdir()
    copy_files(source, tmp_path / "target")
    folder = tmp_path / "target/2_Dense"
    assert {path.name for path in folder.iterdir()} == {"config.json", WEIGHTS}
    assert torch.equal(load_file(folder / WEIGHTS)["linear.weight"], weight)


def test_the_layout_of_old_versions_becomes_that_of_new_ones(
    make_checkpoint, tmp_path: Path
) -> None:
    root = tmp_path / "source"
    encoder = shutil.copytree(make_checkpoint("bert", "", tokenizer=True), root / "0_Transformer")
    list_modules(root, [("Transformer", "0_Transformer"), ("Pooling", "1_Pooling")])
    (root / "config.json").write_text(json.dumps({"__version__": "0.3.8"}))
    (root / "LICENSE").write_text("free")
    (encoder / "sentence_bert_config.json").write_text("{}")
    target = tmp_path / "target"
    target.mkdir()
    copy_files(encoder, target)
    assert [entry["path"] for entry in json.loads((target / "modules.json").read_text())] == [
        "", "1_Pooling",
    ]  # fmt: skip
    carried = {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}
    assert {"LICENSE", "vocab.txt", "sentence_bert_config.json", "1_Pooling/config.json"} <= carried
    assert "config.json" not in carried


@pytest.mark.parametrize("content", ['{"path": 1}', "[1]", "[{}]", "3", "[]", '[{"idx": 0}]'])
def test_a_damaged_list_of_modules(content: str, tmp_path: Path) -> None:
    for name in ("source", "target"):
        (tmp_path / name).mkdir()
    (tmp_path / "source" / "modules.json").write_text(content)
    with pytest.raises(ModelError, match=r"modules\.json: is not a valid sentence-transformers"):
        copy_files(tmp_path / "source", tmp_path / "target")


def test_a_model_that_is_no_embedder_any_more(make_checkpoint, tmp_path: Path) -> None:
    source = shutil.copytree(make_checkpoint("bert", ""), tmp_path / "source")
    list_modules(source)
    (source / "config_sentence_transformers.json").write_text("{}")
    (source / "LICENSE").write_text("free")
    (tmp_path / "target").mkdir()
    copy_files(source, tmp_path / "target", as_embedder=False)
    assert [path.name for path in (tmp_path / "target").iterdir()] == ["LICENSE"]
