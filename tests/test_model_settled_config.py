"""What `config.json` says against what the weights have: the weights decide, and it is said."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from bertslim.errors import ModelError
from bertslim.model.checkpoint import load_checkpoint
from bertslim.model.description import describe_checkpoint
from bertslim.model.families import FAMILIES
from bertslim.model.head_tensors import HEADS as HEADS_BY_TENSORS
from bertslim.model.head_tensors import fitting_heads
from bertslim.model.heads import heads_of
from bertslim.model.settled_config import settle
from bertslim.model.stored_tensors import StoredTensor
from support.families import every_head_of

WEIGHTS = "model.safetensors"

every_head = pytest.mark.parametrize(
    ("model_type", "head"),
    [(name, head) for name, family in FAMILIES.items() for head in heads_of(family)],
)


@pytest.fixture
def classifier(make_checkpoint, tmp_path: Path) -> Path:
    """Return a classifier of three labels that may be changed."""
    return shutil.copytree(make_checkpoint(), tmp_path / "classifier")


def change_config(directory: Path, *without: str, **changes: Any) -> None:
    path = directory / "config.json"
    config = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: config[key] for key in config if key not in without}))


def change_weights(directory: Path, changes: dict[str, Tensor]) -> None:
    save_file(load_file(directory / WEIGHTS) | changes, directory / WEIGHTS)


def refusal(directory: Path) -> str:
    with pytest.raises(ModelError) as caught:
        describe_checkpoint(directory)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(str(directory), "DIR")


# The type


TYPES = ("float16", "bfloat16", "float32", "float64")


@pytest.mark.parametrize(("said", "held"), itertools.product((*TYPES, "float99", None), TYPES))
@pytest.mark.parametrize("key", ["dtype", "torch_dtype"])
def test_the_type_is_that_of_the_weights(key: str, said: str | None, held: str) -> None:
    config = {"model_type": "bert", "architectures": ["BertModel"], key: said}
    weights = {"embeddings.word_embeddings.weight": StoredTensor((9, 4), held)}
    found = settle(config, FAMILIES["bert"], weights)
    assert found.config["dtype"] == held
    assert "torch_dtype" not in found.config
    differ = f"config.json says {said!r}, the weights are {held}, which they stay"
    assert found.notes == (() if said in (None, held) else (differ,))


@pytest.mark.parametrize("said", ["float16", "bfloat16"])
def test_weights_are_loaded_as_they_are(said: str, classifier: Path, make_checkpoint) -> None:
    change_config(classifier, dtype=said)
    found = load_checkpoint(classifier)
    assert found.model.dtype == torch.float32
    assert found.facts.dtype == "float32"
    assert found.notes == (f"config.json says {said!r}, the weights are float32, which they stay",)
    usual = load_checkpoint(make_checkpoint()).model.state_dict()
    assert all(torch.equal(usual[name], value) for name, value in found.model.state_dict().items())


@pytest.mark.parametrize(
    ("types", "widest"),
    [
        (("float16", "float32"), "float32"),
        (("bfloat16", "float16"), "float32"),
        (("float64", "float16", "float32"), "float64"),
    ],
)
def test_of_mixed_types_the_widest_loses_nothing(types: tuple[str, ...], widest: str) -> None:
    weights = {f"embeddings.{name}": StoredTensor((4,), name) for name in types}
    weights["embeddings.position_ids"] = StoredTensor((1, 4), "int64")
    config = {"model_type": "bert", "architectures": ["BertModel"]}
    found = settle(config, FAMILIES["bert"], weights)
    assert found.config["dtype"] == widest
    (note,) = found.notes
    assert note.endswith(f": all are read as {widest}")


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.int64, torch.float8_e4m3fn])
def test_weights_that_nothing_is_computed_with_are_refused(
    dtype: torch.dtype, classifier: Path
) -> None:
    name = "bert.encoder.layer.0.output.dense.weight"
    change_weights(classifier, {name: torch.zeros(32, 64).to(dtype)})
    held = str(dtype).removeprefix("torch.")
    assert refusal(classifier) == (
        f"DIR: {name} holds {held}, which is no type to compute with; "
        "quantised weights are not supported: give those that they were made from"
    )


# The head


def told_by_its_rows(model_type: str, head: str) -> bool:
    """Whether a classifier of three labels has no rival but a choice, which has one."""
    rivals = [
        other
        for other, made_of in HEADS_BY_TENSORS[model_type].items()
        if made_of.modules == HEADS_BY_TENSORS[model_type][head].modules
    ]
    return "MultipleChoice" in rivals and len(rivals) == 2 and head != "MultipleChoice"


@every_head
def test_the_head_is_known_by_its_tensors(
    model_type: str, head: str, make_checkpoint, tmp_path: Path
) -> None:
    directory = shutil.copytree(make_checkpoint(model_type, head), tmp_path / "copy")
    change_config(directory, "architectures")
    alike = {
        other
        for other, made_of in HEADS_BY_TENSORS[model_type].items()
        if made_of.modules == HEADS_BY_TENSORS[model_type][head].modules
    }
    if len(alike) > 1 and not told_by_its_rows(model_type, head):
        assert refusal(directory).endswith("; name the class in `architectures`")
        return
    found = describe_checkpoint(directory)
    architecture = FAMILIES[model_type].architecture(head)
    assert found.facts == describe_checkpoint(make_checkpoint(model_type, head)).facts
    assert found.config["architectures"] == [architecture]
    said = f"config.json names no architecture: by its weights it is {architecture}"
    assert found.notes == ((said,) if head else ())


@pytest.mark.parametrize(
    ("model_type", "names"),
    [
        ("bert", "BertForSequenceClassification and BertForMultipleChoice"),
        ("distilbert", "DistilBertForSequenceClassification and DistilBertForMultipleChoice"),
    ],
)
def test_weights_that_two_heads_fit_are_refused_without_a_name(
    model_type: str, names: str, make_checkpoint, tmp_path: Path
) -> None:
    base = make_checkpoint(model_type, num_labels=1)
    directory = shutil.copytree(base, tmp_path / "copy")
    change_config(directory, architectures=[])
    assert refusal(directory) == (
        f"DIR/config.json: no architectures, and the weights fit {names}; "
        "name the class in `architectures`"
    )


def test_a_head_of_another_kind_is_no_encoder(classifier: Path) -> None:
    state = load_file(classifier / WEIGHTS)
    own = {name: state[name] for name in state if not name.startswith("classifier.")}
    save_file(own | {"my_head.weight": torch.ones(2, 32)}, classifier / WEIGHTS)
    change_config(classifier, "architectures")
    assert refusal(classifier) == (
        "DIR/config.json: no architectures, and the weights fit no head of bert; "
        "name the class in `architectures`"
    )


def test_a_slim_model_without_a_named_class(make_checkpoint, cut, answer, tmp_path: Path) -> None:
    slim = cut(make_checkpoint(), "drop_odd")
    directory = shutil.copytree(slim, tmp_path / "slim")
    change_config(directory, "architectures")
    found = load_checkpoint(directory)
    assert type(found.model).__name__ == "SlimBertForSequenceClassification"
    assert torch.equal(answer(found.model), answer(load_checkpoint(slim).model))


def test_encoder_names_with_and_without_the_name_of_the_model() -> None:
    for prefix in ("", "bert."):
        names = ("embeddings.word_embeddings.weight", "pooler.dense.weight", "pooler.dense.bias")
        tensors = {prefix + name: StoredTensor((4, 4), "float32") for name in names}
        assert fitting_heads(FAMILIES["bert"], tensors) == ("",)
        head = {"classifier.weight": StoredTensor((2, 4), "float32")}
        assert fitting_heads(FAMILIES["bert"], tensors | head) == ("SequenceClassification",)


# The labels


def settled_labels(rows: int, **config: Any) -> tuple[int, tuple[str, ...]]:
    """Return how many labels a classifier of so many rows has, and the notes."""
    weights = {"classifier.weight": StoredTensor((rows, 4), "float32")}
    named = {"model_type": "bert", "architectures": ["BertForSequenceClassification"], **config}
    found = settle(named, FAMILIES["bert"], weights)
    names = found.config.get("id2label")
    return len(names) if names else found.config["num_labels"], found.notes


NAMES = {"0": "bad", "1": "good"}


@pytest.mark.parametrize(
    ("rows", "config", "note"),
    [
        (2, {}, None),
        (3, {}, None),
        (1, {"num_labels": 1}, None),
        (2, {"id2label": NAMES}, None),
        (2, {"id2label": NAMES, "num_labels": 2}, None),
        (2, {"id2label": NAMES, "num_labels": 3}, "num_labels 3, the head in the weights has 2"),
        (3, {"num_labels": 5}, "num_labels 5, the head in the weights has 3"),
    ],
)
def test_the_rows_of_the_head_count_the_labels(
    rows: int, config: dict[str, Any], note: str | None
) -> None:
    assert settled_labels(rows, **config) == (rows, (f"config.json says {note}",) if note else ())


@every_head_of("SequenceClassification", "TokenClassification")
def test_names_that_are_not_those_of_the_head_are_refused(
    model_type: str, head: str, make_checkpoint, tmp_path: Path
) -> None:
    directory = shutil.copytree(make_checkpoint(model_type, head), tmp_path / "copy")
    change_config(directory, id2label=NAMES)
    assert refusal(directory) == (
        "DIR/config.json: id2label names 2 labels, the head in the weights has 3; "
        "correct id2label and label2id"
    )


@pytest.mark.parametrize(
    ("names", "fault"),
    [
        ({"0": "a", "1": "b", "3": "c"}, "does not number its labels from 0 on"),
        ({"x": "a", "y": "b", "z": "c"}, "does not number its labels from 0 on"),
        (["a", "b", "c"], "is not an object"),
        ("abc", "is not an object"),
    ],
)
def test_labels_that_are_not_numbered_are_refused(
    names: object, fault: str, classifier: Path
) -> None:
    change_config(classifier, id2label=names)
    assert refusal(classifier) == f"DIR/config.json: id2label {fault}"


def test_a_wrong_number_of_labels_does_not_take_their_names(classifier: Path) -> None:
    names = {"0": "bad", "1": "so so", "2": "good"}
    change_config(classifier, id2label=names, num_labels=5)
    found = load_checkpoint(classifier)
    assert found.model.config.id2label == {0: "bad", 1: "so so", 2: "good"}
    assert found.facts.labels == 3
