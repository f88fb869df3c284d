"""Ids of a tokenizer are held to the embeddings of its model, before any work."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bertslim.cli import run
from bertslim.errors import ModelError
from bertslim.model.config_facts import read_facts
from bertslim.model.head_facts import describe_head
from bertslim.model.tokenizer import load_plain_tokenizer, load_tokenizer


@pytest.fixture
def too_many(make_checkpoint: Callable[..., Path], tmp_path: Path) -> Path:
    """A classifier whose tokenizer got two tokens more than the model has embeddings for."""
    made = shutil.copytree(make_checkpoint("bert", tokenizer=True), tmp_path / "model")
    config = json.loads((made / "config.json").read_text())
    tokenizer = load_plain_tokenizer(made)
    filling = [f"<{number}>" for number in range(config["vocab_size"] - len(tokenizer))]
    tokenizer.add_tokens([*filling, "<url>", "<user>"])
    tokenizer.save_pretrained(made)
    return made


def test_added_tokens_beyond_the_embeddings_are_named(too_many: Path) -> None:
    rows = json.loads((too_many / "config.json").read_text())["vocab_size"]
    with pytest.raises(ModelError) as caught:
        load_tokenizer(too_many)
    assert str(caught.value) == (
        f"{too_many}: the tokenizer has 2 ids ({rows} <url>, {rows + 1} <user>) beyond the {rows} "
        f"embeddings of the model; resize them with `model.resize_token_embeddings({rows + 2})` and "
        "save the model, or take the tokens out of the tokenizer"
    )


def test_added_tokens_with_embeddings_are_no_fault(
    make_checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    made = shutil.copytree(make_checkpoint("bert", tokenizer=True), tmp_path / "model")
    tokenizer = load_plain_tokenizer(made)
    tokenizer.add_tokens(["<url>"])
    tokenizer.save_pretrained(made)
    assert load_tokenizer(made).tokenize("a <url>") == ["a", "<url>"]


COMMANDS = {
    "cut": ["cut", "{model}", "-r", "drop_odd", "--no-measure", "-o", "{out}"],
    "cut on data": ["cut", "{model}", "-r", "drop_odd", "--data", "{data}", "-o", "{out}"],
    "retrain": ["retrain", "{model}", "--data", "{data}", "-o", "{out}"],
    "retrain a new head": ["retrain", "{model}", "--new-head", "--data", "{data}", "-o", "{out}"],
    "analyze": ["analyze", "{model}", "--data", "{data}", "-o", "{out}"],
    "export": ["export", "{model}", "--onnx", "-o", "{out}.onnx"],
    "export int8": ["export", "{model}", "--onnx", "--int8", "--data", "{data}", "-o", "{out}.onnx"],
}  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_refuses_them_and_writes_nothing(
    command: str, too_many: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data.csv"
    data.write_text("text,label\n" + "".join(f"good film {n},{n % 3}\n" for n in range(200)))
    places = {"model": too_many, "data": data, "out": tmp_path / "out"}
    assert run([part.format(**places) for part in COMMANDS[command]]) == 2
    assert "beyond the" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"model", "data.csv"}


def test_token_types_that_the_model_has_no_row_for_are_left_out(
    make_checkpoint: Callable[..., Path],
) -> None:
    for model_type, rows in (
        ("roberta", "1 type"),
        ("distilbert", "0 types"),
        ("mpnet", "0 types"),
    ):
        types = {"type_vocab_size": 1} if model_type == "roberta" else {}
        made = make_checkpoint(model_type, tokenizer=True, **types)
        assert set(load_tokenizer(made)("good", "bad")) == {"input_ids", "attention_mask"}
        config = json.loads((made / "config.json").read_text())
        notes = describe_head(made, config, read_facts(config)).notes
        assert f"token types are left out: the model has embeddings for {rows}" in notes
    two = make_checkpoint("bert", tokenizer=True)
    assert load_tokenizer(two)("good", "bad")["token_type_ids"] == [0, 0, 0, 1, 1]


def test_a_limit_of_the_tokenizer_below_the_positions_is_noted(
    make_checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    made = shutil.copytree(make_checkpoint("bert", tokenizer=True), tmp_path / "model")
    path = made / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model_max_length": 9}))
    config = json.loads((made / "config.json").read_text())
    assert describe_head(made, config, read_facts(config)).notes == (
        "texts are cut at 9 tokens, the limit that the tokenizer's files set",
    )
