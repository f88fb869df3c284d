"""What a model's head needs of the data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bertslim.data.pooling import read_pooling
from bertslim.data.task import HeadFacts
from bertslim.model.families import family_named
from bertslim.model.heads import predicts_words
from bertslim.records import ModelFacts
from bertslim.wording import listed

_WITH_CLASSES = ("SequenceClassification", "TokenClassification")


def describe_head(directory: Path, config: dict[str, Any], facts: ModelFacts) -> HeadFacts:
    """Describe what a model's head needs of the data.

    Args:
        directory: The checkpoint.
        config: The content of its `config.json`.
        facts: Its shape.

    Raises:
        ModelError: The files that define how embeddings are pooled are damaged.
    """
    labels = _label_names(config, facts)
    return HeadFacts(
        kind=facts.head,
        labels=labels,
        outputs=facts.labels,
        problem_type=config.get("problem_type"),
        predicts_words=predicts_words(family_named(facts.model_type), facts.head),
        pooling=read_pooling(directory) if facts.head == "" else None,
        contradiction=_contradiction(config.get("label2id"), labels),
    )


def _contradiction(ids: Any, labels: tuple[str, ...] | None) -> str | None:
    """Say where `label2id` is not the inverse of `id2label`."""
    if not isinstance(ids, dict) or labels is None:
        return None
    followed = "id2label was followed"
    if {*map(str, ids)} != {*labels}:
        return (
            f"config.json names the labels {listed(labels)} in id2label and {listed([*ids])} in "
            f"label2id: {followed}"
        )
    for number, name in enumerate(labels):
        if str(ids[name]) != str(number):
            return (
                f"config.json gives the label {name!r} the id {number} in id2label and {ids[name]} "
                f"in label2id: {followed}"
            )
    return None


def _label_names(config: dict[str, Any], facts: ModelFacts) -> tuple[str, ...] | None:
    if facts.head not in _WITH_CLASSES or facts.labels == 1:
        return None
    names = config.get("id2label") or {str(n): f"LABEL_{n}" for n in range(facts.labels)}
    return tuple(str(names[key]) for key in sorted(names, key=int))
