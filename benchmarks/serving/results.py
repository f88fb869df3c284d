"""The six results that are served, and what bertslim's own models answer with each."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from transformers import AutoModelForSequenceClassification

import bertslim
from bertslim.export.formats import Format
from bertslim.model.checkpoint import load_checkpoint
from bertslim.model.cross_encoder import IDENTITY, write_activation
from bertslim.model.model_source import find_model
from bertslim.model.tokenizer import load_tokenizer
from bertslim.quiet import quiet_transformers

Kind = Literal["encoder", "classifier", "reranker"]
KINDS: tuple[Kind, ...] = get_args(Kind)
RECIPES = {"even": "halve_width", "uneven": str(Path(__file__).with_name("uneven.yaml"))}
_OF_EMBEDDERS = ("modules.json", "sentence_bert_config.json", "config_sentence_transformers.json")
_LABELS = {"classifier": 3, "reranker": 1}
_HEAD_GAIN = 50  # random heads of transformers put out hundredths, trained ones whole numbers

TEXTS = [
    "Good.",
    "The parcel came two days late, and the box was torn open; the shop did not answer my letters.",
    "Überraschend gut – naïve façades, 12.5 % off!",
    "This is a longer text, " + "of which every word is read and none is cut off, " * 8,
    "",
]
PAIRS = [
    ("how to return a parcel", "Parcels can be returned within 30 days."),
    ("how to return a parcel", "Our offices are closed on Sundays."),
    ("how to return a parcel", "It is a long way " + "from the shop to the post office " * 12),
    ("opening hours", "Our offices are closed on Sundays."),
]


@dataclass(frozen=True)
class Result:
    """A cut model with its exported files.

    Attributes:
        kind: What it is.
        shape: "even" or "uneven".
        directory: Where it is.
    """

    kind: Kind
    shape: str
    directory: Path

    @property
    def name(self) -> str:
        """The heading of its column."""
        return f"{self.kind}, {self.shape}"

    @property
    def texts(self) -> list[Any]:
        """What it is asked: texts, or pairs of a query and a passage."""
        return list(PAIRS if self.kind == "reranker" else TEXTS)


def make_results(model: str, folder: Path) -> list[Result]:
    """Make the results that are not in the folder yet, and export each to ONNX and OpenVINO.

    Args:
        model: A sentence encoder of sentence-transformers; the heads on it are random.
        folder: Where bases and results go.
    """
    results = []
    for kind in KINDS:
        base = folder / kind
        if not base.exists():
            make_base(find_model(model).directory, kind, base)
        for shape, recipe in RECIPES.items():
            result = Result(kind, shape, folder / f"{kind}-{shape}")
            if not result.directory.exists():
                make_result(base, recipe, result.directory)
            results.append(result)
    return results


def make_base(source: Path, kind: Kind, target: Path) -> None:
    """Put a random head on the encoder, and write it as users have it."""
    made = target.with_name(f"{target.name}.part")
    shutil.rmtree(made, ignore_errors=True)
    shutil.copytree(source, made)
    if kind != "encoder":
        torch.manual_seed(0)
        with quiet_transformers():
            model = AutoModelForSequenceClassification.from_pretrained(
                source, num_labels=_LABELS[kind]
            )
            model.classifier.weight.data.mul_(_HEAD_GAIN)
            model.save_pretrained(made)
        for name in _OF_EMBEDDERS:
            (made / name).unlink()
        shutil.rmtree(made / "1_Pooling")
    if kind == "reranker":
        write_activation(made, IDENTITY)
    made.rename(target)


def make_result(base: Path, recipe: str, target: Path) -> None:
    """Cut a base and export the result."""
    made = target.with_name(f"{target.name}.part")
    bertslim.cut(
        bertslim.CutOptions(str(base), recipe=recipe, output=made, measure=None, force=True)
    )
    for kind_of_file in (Format.ONNX, Format.OPENVINO):
        bertslim.export(bertslim.ExportOptions(made, format=kind_of_file))
    made.rename(target)


@torch.inference_mode()
def own_answers(result: Result) -> dict[str, list[list[float]]]:
    """Return what bertslim's model of a result answers, by the name of the quantity.

    Each has a list a text; hidden states are those of its own tokens, one after the other.
    """
    checkpoint = load_checkpoint(result.directory)
    tokenizer = load_tokenizer(result.directory)
    inputs = tokenizer(result.texts, padding=True, truncation=True, return_tensors="pt")
    outputs = checkpoint.model(**inputs)
    if result.kind != "encoder":
        logits = outputs.logits
        return {
            "logits": logits.tolist(),
            "scores": logits.tolist(),  # the reranker's activation is the identity
            "probabilities": logits.softmax(-1).tolist(),
        }
    hidden, mask = outputs.last_hidden_state, inputs["attention_mask"]
    return {
        "embeddings": checkpoint.embedder(hidden, mask).tolist(),
        "hidden states": [
            states[real].flatten().tolist()
            for states, real in zip(hidden, mask.bool(), strict=True)
        ],
    }
