"""What a model's head needs of the data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bertslim.model.config_facts import read_facts
from bertslim.model.families import FAMILIES
from bertslim.model.head_facts import describe_head
from bertslim.model.heads import heads_of


@pytest.mark.parametrize("model_type", FAMILIES)
def test_heads_with_an_output_map_to_the_vocabulary_predict_words(
    model_type: str, tiny_model: Callable[..., Any]
) -> None:
    for head in heads_of(FAMILIES[model_type]):
        model = tiny_model(model_type, head)
        config = model.config.to_dict() | {"architectures": [type(model).__name__]}
        described = describe_head(Path(), config, read_facts(config))
        assert described.kind == head
        assert described.predicts_words == (model.get_output_embeddings() is not None)


@pytest.mark.parametrize(
    ("ids", "told"),
    [
        (None, None),
        ({"neg": 0, "pos": 1}, None),
        ({"neg": "0", "pos": "1"}, None),
        (
            {"neg": 1, "pos": 0},
            "config.json gives the label 'neg' the id 0 in id2label and 1 in label2id: id2label "
            "was followed",
        ),
        (
            {"LABEL_0": 0, "LABEL_1": 1},
            "config.json names the labels neg, pos in id2label and LABEL_0, LABEL_1 in label2id: "
            "id2label was followed",
        ),
    ],
)
def test_names_of_labels_that_contradict_each_other(
    ids: dict[str, Any] | None, told: str | None, tiny_model: Callable[..., Any]
) -> None:
    model = tiny_model("bert", "SequenceClassification")
    names = {"id2label": {"0": "neg", "1": "pos"}, "num_labels": 2, "label2id": ids}
    config = model.config.to_dict() | {"architectures": [type(model).__name__]} | names
    assert describe_head(Path(), config, read_facts(config)).contradiction == told
