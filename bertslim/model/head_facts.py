"""What a model's head needs of the data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bertslim.data.pooling import read_pooling
from bertslim.data.task import HeadFacts
from bertslim.model.families import family_named
from bertslim.model.heads import predicts_words
from bertslim.records import ModelFacts

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
    return HeadFacts(
        kind=facts.head,
        labels=_label_names(config, facts),
        outputs=facts.labels,
        problem_type=config.get("problem_type"),
        predicts_words=predicts_words(family_named(facts.model_type), facts.head),
        pooling=read_pooling(directory) if facts.head == "" else None,
    )


def _label_names(config: dict[str, Any], facts: ModelFacts) -> tuple[str, ...] | None:
    if facts.head not in _WITH_CLASSES or facts.labels == 1:
        return None
    names = config.get("id2label") or {str(n): f"LABEL_{n}" for n in range(facts.labels)}
    return tuple(str(names[key]) for key in sorted(names, key=int))
