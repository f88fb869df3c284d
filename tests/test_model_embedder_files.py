"""How a checkpoint embeds texts, held to sentence-transformers itself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bertslim.data.batches import batches
from bertslim.data.embedder import SIMILARITIES, Embedder
from bertslim.data.feature_extraction import FeatureExtraction
from bertslim.data.load import text_length
from bertslim.data.pooling import POOLERS
from bertslim.data.task import Rows
from bertslim.errors import ModelError
from bertslim.measure.predictions import predict
from bertslim.model.checkpoint import load_checkpoint
from bertslim.model.embedder_files import read_embedder
from bertslim.model.tokenizer import load_tokenizer
from support.sentence_transformers import save_sentence_transformer

TEXTS = ["good film", "a Bad film", "Good good bad a film of a good man", "b"]
PROMPT = {"prompts": {"sts": "bad film: ", "other": "a"}, "default_prompt_name": "sts"}


def embed(directory: Path) -> np.ndarray:
    """Embed TEXTS as bertslim does where it measures."""
    from datasets import Dataset

    checkpoint, tokenizer = load_checkpoint(directory), load_tokenizer(directory)
    task = FeatureExtraction(checkpoint.embedder)
    length = text_length(checkpoint.facts, tokenizer, task)
    rows = Rows(task, Dataset.from_dict({"text": TEXTS}))
    found: dict[int, np.ndarray] = {}
    for batch in batches(rows, tokenizer, batch_size=3, max_length=length):
        with torch.no_grad():
            answers = task.answers(checkpoint.model(**batch.inputs), batch)
        found |= {row: vector for row, (_, vector) in zip(batch.rows, answers, strict=True)}
    return np.stack([found[row] for row in range(len(TEXTS))])


def assert_as_sentence_transformers(directory: Path) -> None:
    from sentence_transformers import SentenceTransformer

    theirs = SentenceTransformer(str(directory), device="cpu", local_files_only=True)
    np.testing.assert_allclose(embed(directory), theirs.encode(TEXTS), atol=1e-5)


@pytest.fixture
def encoder(make_checkpoint: Callable[..., Path]) -> Path:
    return make_checkpoint("bert", "", tokenizer=True)


SETTINGS: dict[str, dict[str, Any]] = {
    "no files but modules.json": {},
    "max_seq_length": {"transformer": {"max_seq_length": 5, "do_lower_case": False}},
    "max_seq_length null": {"transformer": {"max_seq_length": None}},
    "model_max_length": {"transformer": {"processor_kwargs": {"model_max_length": 6}}},
    "default prompt": {"model": PROMPT},
    "prompts without a default": {"model": {"prompts": PROMPT["prompts"]}},
    "prompt and max_seq_length": {"model": PROMPT, "transformer": {"max_seq_length": 10}},
    "prompt longer than max_seq_length": {
        "model": PROMPT, "transformer": {"max_seq_length": 6}, "pooling": {"include_prompt": False},
    },
    "truncate_dim": {"model": {"truncate_dim": 7}},
    "settings of version 6": {
        "transformer": {
            "transformer_task": "feature-extraction",
            "modality_config": {
                "text": {"method": "forward", "method_output_name": "last_hidden_state"}
            },
            "module_output_name": "token_embeddings",
        }
    },
    "several modes": {"pooling": {"pooling_mode": ["mean", "cls", "max"]}},
    "several modes, old": {
        "pooling": {
            "pooling_mode_mean_tokens": True,
            "pooling_mode_max_tokens": True,
            "pooling_mode_cls_token": True,
        }
    },
    "no mode, old": {"pooling": {"pooling_mode_mean_tokens": False}},
    **{f"pooling {mode}": {"pooling": {"pooling_mode": mode}} for mode in POOLERS},
    **{
        f"pooling {mode} without the prompt": {
            "model": PROMPT, "pooling": {"pooling_mode": mode, "include_prompt": False},
        }
        for mode in POOLERS
    },
}  # fmt: skip


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_embeds_as_sentence_transformers_does(
    name: str, encoder: Path, tmp_path: Path
) -> None:
    settings = dict(SETTINGS[name])
    if "pooling" in settings:
        settings["pooling"] = {"word_embedding_dimension": 32, **settings["pooling"]}
    else:
        settings["pooling"] = {"embedding_dimension": 32, "pooling_mode": "mean"}
    assert_as_sentence_transformers(
        save_sentence_transformer(encoder, tmp_path / "model", **settings)
    )


MODULES: dict[str, Callable[[Any], list[Any]]] = {
    "Normalize": lambda m: [m.Normalize()],
    "Dense": lambda m: [m.Dense(32, 8)],
    "Dense, no bias, identity": lambda m: [
        m.Dense(32, 8, bias=False, activation_function=torch.nn.Identity())
    ],
    "Dense, GELU, residual": lambda m: [
        m.Dense(32, 32, activation_function=torch.nn.GELU(), use_residual=True)
    ],
    "Dense, residual to another width": lambda m: [m.Dense(32, 8, use_residual=True)],
    "two of Dense, LayerNorm, Normalize": lambda m: [
        m.Dense(32, 8), m.Dense(8, 12), m.LayerNorm(12), m.Normalize(),
    ],
    "Dropout": lambda m: [m.Dropout(0.5), m.Normalize()],
}  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_every_module_after_the_pooling_is_applied(
    name: str, encoder: Path, tmp_path: Path
) -> None:
    from sentence_transformers import models

    torch.manual_seed(0)
    made = MODULES[name](models)
    pooling = {"embedding_dimension": 32, "pooling_mode": "mean"}
    assert_as_sentence_transformers(
        save_sentence_transformer(encoder, tmp_path / "model", *made, pooling=pooling)
    )


@pytest.mark.parametrize("lower_case", [False, True])
def test_lower_case_comes_before_all_else(lower_case: bool, encoder: Path, tmp_path: Path) -> None:
    settings = {"max_seq_length": 20, "do_lower_case": lower_case}
    model = save_sentence_transformer(encoder, tmp_path / "model", transformer=settings)
    path = model / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"do_lower_case": False}))
    (model / "1_Pooling/config.json").write_text(
        json.dumps({"embedding_dimension": 32, "pooling_mode": "mean"})
    )
    tokens = load_tokenizer(model).tokenize("a Bad film")
    assert tokens == (["a", "bad", "film"] if lower_case else ["a", "[UNK]", "film"])
    assert_as_sentence_transformers(model)


@pytest.mark.parametrize("settings", [{}, {"max_seq_length": None}, {"max_seq_length": 5}])
def test_roberta_is_cut_where_its_positions_end(
    settings: dict[str, Any], make_checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    encoder = make_checkpoint("roberta", "", tokenizer=True)
    model = save_sentence_transformer(encoder, tmp_path / "model", transformer=settings)
    checkpoint, tokenizer = load_checkpoint(model), load_tokenizer(model)
    task = FeatureExtraction(checkpoint.embedder)
    expected = settings.get("max_seq_length") or 38  # two of 40 are those of the padding
    assert text_length(checkpoint.facts, tokenizer, task) == expected


SCORES = [0.0, 5.0, 3.0, 2.0, 4.0, 1.0]


@pytest.mark.parametrize("similarity", [None, *SIMILARITIES])
def test_scores_are_those_of_the_evaluator_of_sentence_transformers(
    similarity: str | None, encoder: Path, tmp_path: Path
) -> None:
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.evaluation import EmbeddingSimilarityEvaluator

    settings = PROMPT | {"similarity_fn_name": similarity}
    pooling = {"embedding_dimension": 32, "pooling_mode": "mean"}
    directory = save_sentence_transformer(
        encoder, tmp_path / "model", model=settings, pooling=pooling
    )
    texts, pairs = [*TEXTS, "film", "bad"], ["a", "film film", *TEXTS]
    theirs = EmbeddingSimilarityEvaluator(texts, pairs, SCORES)(
        SentenceTransformer(str(directory), device="cpu", local_files_only=True)
    )
    table = Dataset.from_dict({"text": texts, "pair": pairs, "label": SCORES})
    checkpoint, tokenizer = load_checkpoint(directory), load_tokenizer(directory)
    rows = Rows(FeatureExtraction(checkpoint.embedder), table)
    length = text_length(checkpoint.facts, tokenizer, rows.task)
    read = batches(rows, tokenizer, batch_size=4, max_length=length)
    answers = predict(checkpoint.model, read, checkpoint.facts, rows.task)
    ours = {score.name: score.value for score in rows.task.score(table, answers)}
    name = similarity or "cosine"
    assert ours["spearman"] == pytest.approx(theirs[f"spearman_{name}"], abs=1e-9)
    assert ours["pearson"] == pytest.approx(theirs[f"pearson_{name}"], rel=1e-5)


def test_a_plain_encoder_has_the_mean(encoder: Path) -> None:
    assert read_embedder(encoder, 32) == Embedder()


def test_what_is_chosen_for_the_reader_is_noted(encoder: Path, tmp_path: Path) -> None:
    settings = PROMPT | {"similarity_fn_name": "dot"}
    one = save_sentence_transformer(encoder, tmp_path / "one", model=settings)
    assert read_embedder(one, 32).notes == (
        "the prompt 'bad film: ' is put before each text",
        "embeddings are compared by dot, as config_sentence_transformers.json has it",
    )
    none = {"prompts": {"query": "a", "passage": "b"}}
    two = save_sentence_transformer(encoder, tmp_path / "two", model=none)
    assert read_embedder(two, 32).notes == (
        "texts are read without the prompts query, passage: none is the default",
    )
    assert read_embedder(two, 32).prompts == ("a", "b")


REFUSED: dict[str, tuple[str, Any, str]] = {
    "a pooling that is not known": (
        "1_Pooling/config.json", {"pooling_mode": "median"}, "the pooling 'median' is not known",
    ),
    "no pooling": ("1_Pooling/config.json", [], "is not a JSON object"),
    "a similarity that is not known": (
        "config_sentence_transformers.json", {"similarity_fn_name": "maxsim"}, "'maxsim' is not",
    ),
    "a default prompt that is not there": (
        "config_sentence_transformers.json", {"default_prompt_name": "q"}, "'q' is not among",
    ),
    "prompts in a list": (
        "config_sentence_transformers.json", {"prompts": ["q"]}, "not an object of texts",
    ),
    "a width that is none": (
        "config_sentence_transformers.json", {"truncate_dim": "7"}, "truncate_dim is '7'",
    ),
    "a length that is none": (
        "sentence_bert_config.json", {"max_seq_length": "8"}, "max_seq_length is '8'",
    ),
    "a length of nothing": ("sentence_bert_config.json", {"max_seq_length": 0}, "is 0, not a number"),
    "lower case of text": ("sentence_bert_config.json", {"do_lower_case": "no"}, "is 'no'"),
    "a setting of the tokenizer": (
        "sentence_bert_config.json", {"tokenizer_args": {"padding_side": "left"}},
        "the setting tokenizer_args.padding_side ('left') of sentence-transformers is not applied",
    ),
    "a setting of another version": (
        "sentence_bert_config.json", {"layers": 3}, "the setting layers (3) of",
    ),
    "another output": (
        "sentence_bert_config.json",
        {"modality_config": {"text": {"method": "forward", "method_output_name": "pooler_output"}}},
        "the setting modality_config",
    ),
    "a module that is not known": (
        "modules.json",
        [{"type": "sentence_transformers.models.Transformer", "path": ""},
         {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"},
         {"type": "sentence_transformers.models.CNN", "path": "2_CNN"}],
        "the module CNN of sentence-transformers is not applied here",
    ),
    "no module after the encoder": (
        "modules.json", [{"type": "sentence_transformers.models.Transformer", "path": ""}],
        "the module Transformer of",
    ),
    "an encoder with code of its own": (
        "modules.json",
        [{"type": "custom_st.Transformer", "path": ""},
         {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}],
        "the module custom_st.Transformer of",
    ),
    "no module": ("modules.json", [], "is not a valid sentence-transformers list"),
    "a module elsewhere": (
        "modules.json",
        [{"type": "a.Transformer", "path": ""}, {"type": "a.Pooling", "path": "../other"}],
        "Pooling lies outside",
    ),
    "modules that are none": ("modules.json", [1], "is not a valid sentence-transformers list"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_applied_is_refused_by_name(name: str, encoder: Path, tmp_path: Path) -> None:
    model = save_sentence_transformer(encoder, tmp_path / "model")
    file, content, message = REFUSED[name]
    (model / file).write_text(json.dumps(content))
    with pytest.raises(ModelError, match=re.escape(message)) as caught:
        read_embedder(model, 32)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"in_features": 16}, None),  # the weights decide
        ({"activation_function": "os.system"}, "activation_function 'os.system' is not one of"),
        ({"activation_function": "torch.nn.MultiheadAttention"}, "needs settings"),
        ({"out_features": 9}, "linear.weight is [8, 32], it should be [9, 32]"),
        ({"module_input_name": "token_embeddings"}, "it is for single tokens"),
    ],
)
def test_dense_modules_fit_or_are_refused(
    change: dict[str, Any], message: str | None, encoder: Path, tmp_path: Path
) -> None:
    from sentence_transformers.models import Dense

    model = save_sentence_transformer(encoder, tmp_path / "model", Dense(32, 8))
    path = model / "2_Dense/config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    if message is None:
        assert str(read_embedder(model, 32)) == "mean, Dense"
        return
    with pytest.raises(ModelError, match=re.escape(message)):
        read_embedder(model, 32)


def test_weights_of_a_module_that_are_damaged_or_missing(encoder: Path, tmp_path: Path) -> None:
    from sentence_transformers.models import Dense

    model = save_sentence_transformer(encoder, tmp_path / "model", Dense(32, 8))
    weights = model / "2_Dense/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:40])
    with pytest.raises(ModelError, match=r"2_Dense/model\.safetensors: is damaged"):
        read_embedder(model, 32)
    weights.unlink()
    with pytest.raises(ModelError, match="2_Dense: has no weights"):
        read_embedder(model, 32)
