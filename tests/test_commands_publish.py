"""The code of each result's model card, run as it stands: its numbers are the model's own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from bertslim.api import CutOptions, DataOptions, RetrainOptions, cut, load, retrain
from bertslim.model.checkpoint import load_checkpoint
from bertslim.model.tokenizer import load_tokenizer
from support.sentence_transformers import save_cross_encoder, save_sentence_transformer

TEXTS = ["good film", "bad", "a b c good"]
PAIRS = [["good film", "bad"], ["bad", "a b c"]]

# `model` is what the card's code makes, `directory` where its files are.
RUN = """
import os, sys
import numpy, torch
directory, target, call = sys.argv[1:]
os.chdir(os.path.dirname(directory))
found = {}
exec(open(target).read(), found)
model = found["model"]
if hasattr(model, "eval"):
    model.eval()
from transformers import AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained(directory, trust_remote_code=False)
numpy.save(target + ".npy", eval(call))
"""
TRANSFORMERS = f"model(**tokenizer({TEXTS}, padding=True, return_tensors='pt'))[0].detach().numpy()"
CALLS = {
    "SentenceTransformer": f"model.encode({TEXTS})",
    "CrossEncoder": f"model.predict({PAIRS})",
    "SparseEncoder": f"model.encode({TEXTS}).to_dense().numpy()",
    "MultiVectorEncoder": f"numpy.concatenate([one.numpy() for one in model.encode({TEXTS})])",
}


@pytest.fixture
def run_card(fresh_python, tmp_path: Path) -> Callable[[Path], tuple[str, np.ndarray]]:
    """Return a function that runs a card's code and says what class it used, and its numbers."""

    def run(directory: Path) -> tuple[str, np.ndarray]:
        code = re.search(r"```python\n(.*?)```", (directory / "README.md").read_text(), re.DOTALL)
        assert code is not None
        path = tmp_path / "card.py"
        path.write_text(code[1])
        name = re.search(r"model = (\w+)", code[1])[1]
        fresh_python(RUN, directory, path, CALLS.get(name, TRANSFORMERS), bertslim=False)
        return name, np.load(f"{path}.npy")

    return run


def metadata(directory: Path) -> dict[str, object]:
    return yaml.safe_load((directory / "README.md").read_text().split("---\n")[1])


def logits(directory: Path, texts: list[str] | list[list[str]] = TEXTS) -> np.ndarray:
    batch = load_tokenizer(directory)(texts, padding=True, return_tensors="pt")
    return load(directory)(**batch)[0].detach().numpy()


def cut_to(base: Path, recipe: str, target: Path) -> Path:
    return cut(CutOptions(str(base), recipe, output=target, threads=1, measure=None)).directory


EVEN_AND_UNEVEN = pytest.mark.parametrize("recipe", ["scale_half", "drop_odd"])


@EVEN_AND_UNEVEN
@pytest.mark.parametrize(
    ("head", "auto_class", "pipeline"),
    [
        ("", "AutoModel", "feature-extraction"),
        ("SequenceClassification", "AutoModelForSequenceClassification", "text-classification"),
        ("TokenClassification", "AutoModelForTokenClassification", "token-classification"),
        ("QuestionAnswering", "AutoModelForQuestionAnswering", "question-answering"),
        ("MaskedLM", "AutoModelForMaskedLM", "fill-mask"),
    ],
)
def test_a_model_of_transformers(
    head: str, auto_class: str, pipeline: str, recipe: str, make_checkpoint, run_card, tmp_path
) -> None:
    slim = cut_to(make_checkpoint("bert", head, tokenizer=True), recipe, tmp_path / "slim")
    name, found = run_card(slim)
    assert name == auto_class
    assert metadata(slim)["library_name"] == "transformers"
    assert metadata(slim)["pipeline_tag"] == pipeline
    np.testing.assert_allclose(found, logits(slim), atol=1e-5)


@EVEN_AND_UNEVEN
def test_an_embedding_model(recipe: str, make_checkpoint, run_card, tmp_path: Path) -> None:
    encoder = make_checkpoint("bert", "", tokenizer=True)
    pooling = {"pooling_mode": "cls", "embedding_dimension": 32}
    base = save_sentence_transformer(encoder, tmp_path / "base", pooling=pooling)
    slim = cut_to(base, recipe, tmp_path / "slim")
    name, found = run_card(slim)
    assert name == "SentenceTransformer"
    assert metadata(slim)["library_name"] == "sentence-transformers"
    np.testing.assert_allclose(found, logits(slim)[:, 0], atol=1e-5)


@EVEN_AND_UNEVEN
@pytest.mark.parametrize("activation", ["torch.nn.Identity", "torch.nn.Sigmoid", None])
def test_a_reranker(
    activation: str | None, recipe: str, make_checkpoint, run_card, tmp_path: Path
) -> None:
    one = make_checkpoint("bert", "SequenceClassification", tokenizer=True, num_labels=1)
    base = save_cross_encoder(one, tmp_path / "base", activation)
    slim = cut_to(base, recipe, tmp_path / "slim")
    name, found = run_card(slim)
    assert name == "CrossEncoder"
    expected = logits(slim, PAIRS)[:, 0]
    if activation != "torch.nn.Identity":
        expected = 1 / (1 + np.exp(-expected))
    np.testing.assert_allclose(found, expected, atol=1e-5)


@EVEN_AND_UNEVEN
def test_a_model_of_a_vector_a_token(recipe: str, make_checkpoint, run_card, tmp_path) -> None:
    from sentence_transformers import MultiVectorEncoder

    MultiVectorEncoder(str(make_checkpoint("bert", "", tokenizer=True))).save(
        str(tmp_path / "base")
    )
    slim = cut_to(tmp_path / "base", recipe, tmp_path / "slim")
    name, found = run_card(slim)
    assert name == "MultiVectorEncoder"
    from safetensors.numpy import load_file

    weight = load_file(slim / "1_Dense/model.safetensors")["linear.weight"]
    mask = load_tokenizer(slim)(TEXTS, padding=True, return_tensors="np")["attention_mask"]
    vectors = (logits(slim) @ weight.T)[mask == 1]
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    np.testing.assert_allclose(found, vectors, atol=1e-5)


@EVEN_AND_UNEVEN
def test_a_sparse_model(recipe: str, make_checkpoint, run_card, tmp_path: Path) -> None:
    from sentence_transformers import SparseEncoder

    SparseEncoder(str(make_checkpoint("bert", "MaskedLM", tokenizer=True))).save(
        str(tmp_path / "base")
    )
    slim = cut_to(tmp_path / "base", recipe, tmp_path / "slim")
    name, found = run_card(slim)
    assert name == "SparseEncoder"
    mask = load_tokenizer(slim)(TEXTS, padding=True, return_tensors="np")["attention_mask"]
    weights = np.log1p(np.maximum(logits(slim), 0)) * mask[..., None]
    np.testing.assert_allclose(found, weights.max(axis=1), atol=1e-5)


def train(base: Path, rows: list[dict[str, object]], target: Path, **options: object) -> Path:
    data = target.with_suffix(".jsonl")
    data.write_text("\n".join(map(json.dumps, rows)))
    settings = {"steps": 2, "max_length": 16, "batch_size": 8, "threads": 1, "dtype": "float32"}
    asked = RetrainOptions(
        model=str(base), data=DataOptions(str(data)), output=target, **(settings | options)
    )
    return retrain(asked).directory


LETTERS = "abcdefghijklmnopqrstuvwxyz"
CLASSES = [
    {"text": f"{'good' if n % 2 else 'bad'} {LETTERS[n % 26]} {LETTERS[n // 26]}", "label": n % 2}
    for n in range(60)
]
SCORES = [
    {
        "sentence1": f"good {LETTERS[n % 26]}",
        "sentence2": f"bad {LETTERS[n // 26]}",
        "score": 0.5 + n % 2,
    }
    for n in range(60)
]


@EVEN_AND_UNEVEN
def test_a_classifier_made_from_an_embedding_model(
    recipe: str, make_checkpoint, run_card, tmp_path: Path
) -> None:
    encoder = make_checkpoint("bert", "", tokenizer=True)
    base = save_sentence_transformer(encoder, tmp_path / "base")
    (base / "README.md").write_text(
        "---\nlibrary_name: sentence-transformers\npipeline_tag: sentence-similarity\n---\n"
    )
    trained = train(cut_to(base, recipe, tmp_path / "slim"), CLASSES, tmp_path / "trained")
    name, found = run_card(trained)
    assert name == "AutoModelForSequenceClassification"
    assert metadata(trained)["library_name"] == "transformers"
    assert metadata(trained)["pipeline_tag"] == "text-classification"
    np.testing.assert_allclose(found, logits(trained), atol=1e-5)


@EVEN_AND_UNEVEN
def test_a_regressor_scores_in_a_cross_encoder_what_it_was_trained_to(
    recipe: str, make_checkpoint, run_card, tmp_path: Path
) -> None:
    slim = cut_to(make_checkpoint("bert", "", tokenizer=True), recipe, tmp_path / "slim")
    trained = train(slim, SCORES, tmp_path / "trained")
    again = cut_to(trained, "drop_top_layers", tmp_path / "again")
    for directory in (trained, again):
        name, found = run_card(directory)
        assert name == "CrossEncoder"
        np.testing.assert_allclose(found, logits(directory, PAIRS)[:, 0], atol=1e-5)


@pytest.mark.parametrize(
    ("options", "activation", "sigmoid"),
    [
        ({}, "torch.nn.Sigmoid", False),  # its outputs learn the scores themselves
        ({"new_head": True}, "torch.nn.Sigmoid", False),
        ({"teacher": "torch.nn.Identity"}, "torch.nn.Sigmoid", False),
        ({"teacher": None}, "torch.nn.Identity", True),
    ],
)
def test_a_trained_reranker_scores_as_it_learned(
    options: dict[str, object], activation: str, sigmoid: bool, make_checkpoint, run_card, tmp_path
) -> None:
    one = make_checkpoint("bert", "SequenceClassification", tokenizer=True, num_labels=1)
    base = save_cross_encoder(one, tmp_path / "base", activation)
    if "teacher" in options:
        teacher = save_cross_encoder(one, tmp_path / "teacher", options["teacher"])
        options = {"teacher": str(teacher)}
    trained = train(base, SCORES, tmp_path / "trained", **options)
    assert {"modules.json", "config_sentence_transformers.json"} <= {
        path.name for path in trained.iterdir()
    }
    name, found = run_card(trained)
    assert name == "CrossEncoder"
    expected = logits(trained, PAIRS)[:, 0]
    expected = 1 / (1 + np.exp(-expected)) if sigmoid else expected
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_reranker_that_becomes_a_classifier_of_three_names_no_activation(
    make_checkpoint, run_card, tmp_path: Path
) -> None:
    one = make_checkpoint("bert", "SequenceClassification", tokenizer=True, num_labels=1)
    base = save_cross_encoder(one, tmp_path / "base", "torch.nn.Sigmoid")
    rows = [
        {"premise": row["sentence1"], "hypothesis": row["sentence2"], "label": "abc"[n % 3]}
        for n, row in enumerate(SCORES)
    ]
    trained = train(base, rows, tmp_path / "trained", new_head=True)
    name, found = run_card(trained)
    assert name == "CrossEncoder"
    assert load_checkpoint(trained).facts.labels == 3
    np.testing.assert_allclose(found, logits(trained, PAIRS), atol=1e-5)
