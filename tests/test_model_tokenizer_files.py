"""Tokenizer files that are damaged in every way are refused in a line, or read as they should be."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from bertslim.cli import run
from bertslim.errors import ModelError
from bertslim.model.tokenizer import load_tokenizer

DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "binary": lambda content: bytes(range(256)) * 4,
    "cut short": lambda content: content[: len(content) // 2],
    "a list": lambda content: b"[1, 2]",
    "a number": lambda content: b"7",
    "a text": lambda content: b'"text"',
    "null": lambda content: b"null",
    "an empty object": lambda content: b"{}",
    "deep": lambda content: b'{"a":' + b"[" * 100_000,
    "deep and whole": lambda content: b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "another encoding": lambda content: content.decode().encode("utf-16"),
    "a pointer of Git LFS": lambda content: (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
    ),
    "a page of an error": lambda content: b"<!DOCTYPE html><html><body>404</body></html>",
}
# What may be missing or say nothing without harm to how texts are read.
HARMLESS = {
    ("tokenizer_config.json", "an empty object"),
    ("tokenizer_config.json", "deep and whole"),
    ("special_tokens_map.json", "an empty object"),
    ("added_tokens.json", "an empty object"),
}
FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
)


@pytest.fixture(scope="module")
def whole(make_checkpoint: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("whole") / "model"
    shutil.copytree(make_checkpoint("bert", tokenizer=True), made)
    (made / "special_tokens_map.json").write_text('{"unk_token": "[UNK]"}')
    (made / "added_tokens.json").write_text("{}")
    (made / "vocab.txt").write_text("\n".join(load_tokenizer(made).get_vocab()))
    return made


@pytest.fixture
def model(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "model")


def read_or_refused(model: Path, expected: list[int]) -> str | None:
    """Load and read a text; return the message of a refusal."""
    try:
        assert load_tokenizer(model)("good film")["input_ids"] == expected
    except ModelError as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 1000
        assert str(model) in str(error)
        return str(error)
    return None


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("file", FILES)
def test_a_damaged_file_is_refused_in_a_line(
    file: str, damage: str, model: Path, whole: Path
) -> None:
    expected = load_tokenizer(whole)("good film")["input_ids"]
    path = model / file
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    message = read_or_refused(model, expected)
    if (file, damage) not in HARMLESS and not (file == "vocab.txt" and message is None):
        assert message is not None


WRONG: dict[str, tuple[str, dict[str, Any]]] = {
    "no model": ("tokenizer.json", {"model": None}),
    "a model of text": ("tokenizer.json", {"model": "WordPiece"}),
    "no vocabulary": ("tokenizer.json", {"model": {"type": "WordPiece", "vocab": {}}}),
    "a kind that is not known": ("tokenizer.json", {"model": {"type": "Magic", "vocab": {"a": 0}}}),
    "ids of text": ("tokenizer.json", {"model": {"type": "WordPiece", "vocab": {"a": "0"}}}),
    "ids below 0": (
        "tokenizer.json",
        {"model": {"type": "WordPiece", "vocab": {"[UNK]": -1}, "unk_token": "[UNK]"}},
    ),
    "added tokens in an object": ("tokenizer.json", {"added_tokens": {"a": 1}}),
    "added tokens that are numbers": ("tokenizer.json", {"added_tokens": [1, 2]}),
    "added tokens without a text": ("tokenizer.json", {"added_tokens": [{"id": 1}]}),
    "a class that is a number": ("tokenizer_config.json", {"tokenizer_class": 7}),
    "a class that is a list": ("tokenizer_config.json", {"tokenizer_class": ["BertTokenizer"]}),
    "a class that is not there": ("tokenizer_config.json", {"tokenizer_class": "NoSuchTokenizer"}),
    "a length of text": ("tokenizer_config.json", {"model_max_length": "512"}),
    "a length in a list": ("tokenizer_config.json", {"model_max_length": [512]}),
    "a length that is no number": ("tokenizer_config.json", {"model_max_length": float("nan")}),
    "a length below 1": ("tokenizer_config.json", {"model_max_length": -5}),
    "a length of nothing": ("tokenizer_config.json", {"model_max_length": 0}),
    "a padding token that is a number": ("tokenizer_config.json", {"pad_token": 0}),
    "a padding token in a list": ("tokenizer_config.json", {"pad_token": ["[PAD]"]}),
    "inputs that are a number": ("tokenizer_config.json", {"model_input_names": 3}),
    "inputs that are none": ("tokenizer_config.json", {"model_input_names": []}),
    "inputs of another model": ("tokenizer_config.json", {"model_input_names": ["pixels"]}),
    "decoder in a list": ("tokenizer_config.json", {"added_tokens_decoder": [1]}),
    "decoder of texts": ("tokenizer_config.json", {"added_tokens_decoder": {"a": "b"}}),
    "a side that is none": ("tokenizer_config.json", {"padding_side": "up"}),
    "code of its own": (
        "tokenizer_config.json",
        {"tokenizer_class": "Evil", "auto_map": {"AutoTokenizer": ["evil.Evil", None]}},
    ),
    "added ids of text": ("added_tokens.json", {"<a>": "x"}),
    "special tokens that are numbers": ("special_tokens_map.json", {"unk_token": 3}),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_value_of_a_wrong_kind_is_refused_in_a_line_or_does_no_harm(
    name: str, model: Path, whole: Path
) -> None:
    expected = load_tokenizer(whole)("good film")["input_ids"]
    file, change = WRONG[name]
    path = model / file
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    (model / "evil.py").write_text("raise SystemExit('it ran')")
    read_or_refused(model, expected)


@pytest.mark.parametrize(
    "name", ["a length of text", "a length below 1", "no model", "ids of text"]
)
def test_values_that_would_change_what_is_read_are_refused(name: str, model: Path) -> None:
    file, change = WRONG[name]
    path = model / file
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ModelError):
        load_tokenizer(model)


def test_damage_is_found_also_where_nothing_is_measured(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (model / "tokenizer.json").write_text("[]")
    for line in (
        ["cut", str(model), "-r", "drop_odd", "--no-measure", "-o", str(tmp_path / "out")],
        ["export", str(model), "--onnx", "-o", str(tmp_path / "model.onnx")],
    ):
        assert run(line) == 2
        assert capsys.readouterr().err.endswith("tokenizer.json: is not a JSON object\n")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.skipif(find_spec("fugashi") is not None, reason="fugashi is installed")
def test_a_tokenizer_names_the_package_that_it_needs(
    make_checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    model = tmp_path / "model"
    shutil.copytree(make_checkpoint("bert", tokenizer=True), model)
    (model / "tokenizer.json").unlink()
    settings = {
        "tokenizer_class": "BertJapaneseTokenizer",
        "word_tokenizer_type": "mecab",
        "subword_tokenizer_type": "wordpiece",
    }
    (model / "tokenizer_config.json").write_text(json.dumps(settings))
    with pytest.raises(ModelError) as caught:
        load_tokenizer(model)
    assert str(caught.value) == (
        f"{model}: the tokenizer needs the package fugashi, which is not installed; "
        "pip install fugashi"
    )


@pytest.mark.skipif(find_spec("sentencepiece") is not None, reason="sentencepiece is installed")
@pytest.mark.parametrize("model_type", ["camembert", "xlm-roberta"])
def test_a_sentencepiece_model_without_the_package(model_type: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type}))
    (tmp_path / "sentencepiece.bpe.model").write_bytes(b"\x0a\x0e\x0a\x05<unk>")
    with pytest.raises(ModelError, match="needs the package sentencepiece, which is not installed"):
        load_tokenizer(tmp_path)


@pytest.mark.parametrize("model_type", ["bert", "roberta", "distilbert", "mpnet"])
def test_a_tokenizer_that_would_know_special_tokens_alone(model_type: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type}))
    (tmp_path / "spm.model").write_bytes(b"\x0a\x0e")
    with pytest.raises(ModelError, match=r"finds no vocabulary here but special|needs the package"):
        load_tokenizer(tmp_path)


@pytest.mark.parametrize("raised", [KeyboardInterrupt, MemoryError])
def test_what_is_no_fault_of_the_files_passes(
    raised: type[BaseException], model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoTokenizer

    def fail(*args: object, **options: object) -> None:
        raise raised

    monkeypatch.setattr(AutoTokenizer, "from_pretrained", fail)
    with pytest.raises(raised):
        load_tokenizer(model)
