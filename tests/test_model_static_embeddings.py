"""Static embeddings against plain loops in float64, in memory and as an ONNX file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bertslim.export.onnx_model import OnnxModel
from bertslim.export.static_graph import write_static_graph
from bertslim.measure.onnx_graph import read_onnx
from bertslim.model.checkpoint import load_checkpoint
from bertslim.model.static_embeddings import LinearHead, StaticEmbeddings
from bertslim.model.tokenizer import load_tokenizer

WIDTH, CLASSES, VOCABULARY = 5, 3, 12
TEXTS = [[1, 4, 7, 4, 2], [1, 9, 2], [1, 2]]


@pytest.fixture
def static() -> StaticEmbeddings:
    draw = np.random.default_rng(0)
    table = draw.normal(size=(VOCABULARY, WIDTH)).astype(np.float32)
    counted = np.ones(VOCABULARY, dtype=np.float32)
    table[:3], counted[:3] = 0, 0
    weight = draw.normal(size=(WIDTH, CLASSES)).astype(np.float32)
    head = LinearHead(weight, draw.normal(size=CLASSES).astype(np.float32))
    return StaticEmbeddings(table, counted, head)


def plain_mean(static: StaticEmbeddings, text: list[int]) -> Any:
    """Add the rows of the tokens that count, one by one."""
    total, number = np.zeros(WIDTH), 0
    for token in text:
        if static.counted[token]:
            total += static.table[token].astype(np.float64)
            number += 1
    return total / number if number else total


def padded(texts: list[list[int]]) -> dict[str, torch.Tensor]:
    longest = max(map(len, texts))
    ids = torch.tensor([text + [0] * (longest - len(text)) for text in texts])
    mask = torch.tensor([[1] * len(text) + [0] * (longest - len(text)) for text in texts])
    return {"input_ids": ids, "attention_mask": mask}


def test_means_are_over_the_tokens_that_count(static: StaticEmbeddings) -> None:
    expected = [plain_mean(static, text) for text in TEXTS]
    np.testing.assert_allclose(static.means(TEXTS), expected, rtol=1e-12)
    assert not static.means(TEXTS)[2].any(), "a text of special tokens alone has no mean"


def test_a_file_with_a_head_puts_out_its_logits(static: StaticEmbeddings, tmp_path: Path) -> None:
    write_static_graph(static, tmp_path / "a.onnx")
    logits = OnnxModel(tmp_path / "a.onnx")(**padded(TEXTS)).logits.numpy()
    assert static.head is not None
    weight, bias = (array.astype(np.float64) for array in (static.head.weight, static.head.bias))
    expected = [plain_mean(static, text) @ weight + bias for text in TEXTS]
    np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-6)
    facts = read_onnx(tmp_path / "a.onnx")
    assert (facts.vocabulary, facts.dtype) == (VOCABULARY, "float32")


def test_padding_that_is_a_token_of_the_table_does_not_count(
    static: StaticEmbeddings, tmp_path: Path
) -> None:
    write_static_graph(static, tmp_path / "a.onnx")
    model, inputs = OnnxModel(tmp_path / "a.onnx"), padded(TEXTS)
    other = {**inputs, "input_ids": inputs["input_ids"].where(inputs["attention_mask"] > 0, 11)}
    assert torch.equal(model(**inputs).logits, model(**other).logits)


def test_a_file_without_a_head_puts_out_the_rows_of_the_table(
    static: StaticEmbeddings, tmp_path: Path
) -> None:
    bare = StaticEmbeddings(static.table, static.counted)
    write_static_graph(bare, tmp_path / "a.onnx")
    inputs = padded(TEXTS)
    states = OnnxModel(tmp_path / "a.onnx")(**inputs).last_hidden_state.numpy()
    np.testing.assert_array_equal(states, static.table[inputs["input_ids"].numpy()])


def test_they_are_a_models_token_embeddings_without_special_tokens(
    make_checkpoint: Callable[..., Path],
) -> None:
    directory = make_checkpoint("bert", tokenizer=True)
    checkpoint, tokenizer = load_checkpoint(directory), load_tokenizer(directory)
    static = StaticEmbeddings.of(checkpoint.model, tokenizer)
    rows = checkpoint.model.get_input_embeddings().weight.detach().numpy()
    special = tokenizer.all_special_ids
    others = [token for token in range(len(rows)) if token not in special]
    np.testing.assert_array_equal(static.table[others], rows[others])
    assert not static.table[special].any()
    assert static.counted.sum() == len(others)
    assert rows[special].any(), "the model keeps its own"
