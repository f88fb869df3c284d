"""Encoders with CLS pooling: a file of the first token alone, and what may not be such a file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from sentence_transformers.sentence_transformer.modules import Pooling
from transformers import AutoTokenizer

from bertslim.cli import run
from bertslim.errors import InputError
from bertslim.export.first_token import NOTE, puts_out_first_token, with_first_token_alone
from bertslim.export.onnx import convert, save
from bertslim.export.onnx_model import OnnxModel
from bertslim.export.parity import check_parity, parity_inputs
from bertslim.model.checkpoint import Checkpoint, load_checkpoint
from support.sentence_transformers import save_sentence_transformer

CLS = {"pooling_mode": "cls"}


@pytest.fixture
def encoder(make_checkpoint: Callable[..., Path], tmp_path: Path) -> Callable[..., Checkpoint]:
    """Return a function that makes a tiny encoder with files of sentence-transformers."""

    def make(model_type: str = "bert", head: str = "", **settings: Any) -> Checkpoint:
        base = make_checkpoint(model_type, head, tokenizer=True)
        settings = {"pooling": CLS, **settings}
        return load_checkpoint(save_sentence_transformer(base, tmp_path / "st", **settings))

    return make


@pytest.mark.parametrize("model_type", ["bert", "mpnet", "distilbert", "megatron-bert"])
def test_the_file_puts_out_the_first_token_as_pytorch_does(
    model_type: str, encoder, tmp_path: Path
) -> None:
    whole = encoder(model_type)
    first = with_first_token_alone(whole)
    assert puts_out_first_token(first.model)
    assert not puts_out_first_token(whole.model)
    path = tmp_path / "model.onnx"
    save(convert(first), path)
    check_parity(first, OnnxModel(path))

    graph = onnx.load(path).graph
    (shape,) = (value.type.tensor_type.shape for value in graph.output[:1])
    assert [axis.dim_param or axis.dim_value for axis in shape.dim] == ["batch_size", 1, 32]
    kinds = Counter(node.op_type for node in graph.node)
    assert kinds["MultiHeadAttention"] == 1, "the last layer, in which one token asks"

    pooling = Pooling(32, pooling_mode="cls")
    for given in parity_inputs(whole)[:2]:
        mask = given.tensors["attention_mask"]
        tokens = whole.model(**given.tensors).last_hidden_state.detach()
        found = OnnxModel(path)(**given.tensors).last_hidden_state
        embeddings = [
            pooling({"token_embeddings": one, "attention_mask": mask})["sentence_embedding"]
            for one in (tokens, found)
        ]
        torch.testing.assert_close(embeddings[1], embeddings[0], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(whole.embedder(found, mask), embeddings[1])
    unseen = Pooling(32, pooling_mode="mean")({"token_embeddings": found, "attention_mask": mask})
    torch.testing.assert_close(unseen["sentence_embedding"], embeddings[1])


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"head": "SequenceClassification"}, "a head that reads the first token alone needs no"),
        ({"pooling": {"pooling_mode": "mean"}}, "is not its first token but mean pooling"),
        ({"pooling": {"pooling_mode": ["cls", "max"]}}, "is not its first token but cls.max pool"),
        (
            {
                "pooling": CLS | {"include_prompt": False},
                "model": {"prompts": {"q": "good film"}, "default_prompt_name": "q"},
            },
            "its first token after the prompt",
        ),
        ({"model_type": "nomic_bert"}, "the attention of nomic_bert is exported in its parts"),
    ],
)
def test_what_reads_more_is_refused(settings: dict[str, Any], why: str, encoder) -> None:
    with pytest.raises(InputError, match=why) as caught:
        with_first_token_alone(encoder(**settings))
    assert "--first-token" in str(caught.value)


def test_the_command_writes_it_and_notes_what_it_puts_out(
    encoder, capfd: pytest.CaptureFixture[str]
) -> None:
    directory = encoder().directory
    assert run(["export", str(directory), "--onnx", "--int8", "--first-token", "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert NOTE in told["notes"]
    assert {one["name"] for one in told["measurements"]} == {"fidelity.cosine"}
    found = OnnxModel(directory / "onnx/model_int8.onnx")(
        input_ids=torch.ones(2, 7, dtype=torch.int64),
        attention_mask=torch.ones(2, 7, dtype=torch.int64),
        token_type_ids=torch.zeros(2, 7, dtype=torch.int64),
    )
    assert found.last_hidden_state.shape == (2, 1, 32)


def test_padding_on_the_left_is_refused(encoder) -> None:
    checkpoint = encoder()
    tokenizer = AutoTokenizer.from_pretrained(checkpoint.directory, padding_side="left")
    tokenizer.save_pretrained(checkpoint.directory)
    with pytest.raises(InputError, match="the tokenizer pads on the left"):
        with_first_token_alone(checkpoint)
