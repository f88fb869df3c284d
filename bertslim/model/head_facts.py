"""What a model's head needs of the data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bertslim.data.load import MAX_LENGTH
from bertslim.data.task import HeadFacts
from bertslim.model.config_facts import token_types_of
from bertslim.model.embedder_files import read_embedder
from bertslim.model.families import family_named
from bertslim.model.heads import predicts_words
from bertslim.model.token_ids import has_token_types_beyond
from bertslim.model.tokenizer import fit_tokenizer, has_tokenizer, load_plain_tokenizer
from bertslim.records import ModelFacts
from bertslim.wording import counted, listed

_WITH_CLASSES = ("SequenceClassification", "TokenClassification")


def describe_head(directory: Path, config: dict[str, Any], facts: ModelFacts) -> HeadFacts:
    """Describe what a model's head needs of the data.

    Args:
        directory: The checkpoint.
        config: The content of its `config.json`.
        facts: Its shape.

    Raises:
        ModelError: The tokenizer is damaged or does not fit the model, or files that define how
            texts are embedded are damaged or name what is not applied here.
    """
    labels = _label_names(config, facts)
    embedder = read_embedder(directory, facts.hidden_size) if facts.head == "" else None
    return HeadFacts(
        kind=facts.head,
        labels=labels,
        outputs=facts.labels,
        problem_type=config.get("problem_type"),
        predicts_words=predicts_words(family_named(facts.model_type), facts.head),
        embedder=embedder,
        contradiction=_contradiction(config.get("label2id"), labels),
        notes=(*_tokenizer_notes(directory, config, facts), *(embedder.notes if embedder else ())),
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


def _tokenizer_notes(directory: Path, config: dict[str, Any], facts: ModelFacts) -> tuple[str, ...]:
    """Check the tokenizer, where there is one, and note where it limits what the model is given."""
    if not has_tokenizer(directory):
        return ()
    tokenizer = load_plain_tokenizer(directory)
    notes = []
    if has_token_types_beyond(tokenizer, config):
        rows = counted(token_types_of(config), "type", "types")
        notes.append(f"token types are left out: the model has embeddings for {rows}")
    fit_tokenizer(tokenizer, directory)
    if tokenizer.model_max_length < min(MAX_LENGTH, facts.max_length):
        limit = tokenizer.model_max_length
        notes.append(f"texts are cut at {limit} tokens, the limit that the tokenizer's files set")
    return tuple(notes)


def _label_names(config: dict[str, Any], facts: ModelFacts) -> tuple[str, ...] | None:
    if facts.head not in _WITH_CLASSES or facts.labels == 1:
        return None
    names = config.get("id2label") or {str(n): f"LABEL_{n}" for n in range(facts.labels)}
    return tuple(str(names[key]) for key in sorted(names, key=int))
