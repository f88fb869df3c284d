"""Which class of sentence-transformers runs a model: what its files say, and its head."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bertslim.model.sentence_transformers_class import sentence_transformers_class

EMBEDDER = [{"type": "sentence_transformers.models.Transformer", "path": ""}]


def save(directory: Path, **files: object) -> Path:
    for name, content in {"config": {}, **files}.items():
        (directory / f"{name}.json").write_text(json.dumps(content))
    return directory


@pytest.mark.parametrize(
    ("model_type", "head", "expected"),
    [
        (None, "", "SentenceTransformer"),
        (None, "SequenceClassification", None),
        (None, "MaskedLM", None),
        ("SentenceTransformer", "", "SentenceTransformer"),
        ("CrossEncoder", "SequenceClassification", "CrossEncoder"),
        ("CrossEncoder", "", None),
        ("SparseEncoder", "MaskedLM", "SparseEncoder"),
        ("ColBERT", "", "MultiVectorEncoder"),
        ("MultiVectorEncoder", "", "MultiVectorEncoder"),
        ("Unheard", "", None),
    ],
)
def test_it_is_the_named_one_if_it_makes_use_of_the_head(
    model_type: str | None, head: str, expected: str | None, tmp_path: Path
) -> None:
    settings = {} if model_type is None else {"model_type": model_type}
    directory = save(tmp_path, modules=EMBEDDER, config_sentence_transformers=settings)
    assert sentence_transformers_class(directory, head) == expected


def test_without_modules_it_is_none_but_where_an_activation_is_named(tmp_path: Path) -> None:
    head = "SequenceClassification"
    assert sentence_transformers_class(save(tmp_path), head) is None
    named = {"sentence_transformers": {"activation_fn": "torch.nn.Identity"}}
    assert sentence_transformers_class(save(tmp_path, config=named), head) == "CrossEncoder"
    old = {"sbert_ce_default_activation_function": "torch.nn.Sigmoid"}
    assert sentence_transformers_class(save(tmp_path, config=old), head) == "CrossEncoder"
    assert sentence_transformers_class(tmp_path, "") is None
