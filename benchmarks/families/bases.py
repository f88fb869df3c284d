"""The tiny models that the families benchmark cuts, their tokenizer, and texts for them."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from transformers import BertTokenizer, PreTrainedModel

import bertslim
from bertslim.data.pydocs import PACKAGES, read_pydocs
from bertslim.model.families import FAMILIES, Family
from bertslim.model.heads import heads_of
from bertslim.quiet import quiet_transformers
from bertslim.records import Training
from support.tiny_models import tiny_config, tiny_model

CLASSIFIER = "SequenceClassification"
LABELLED = bertslim.DataOptions("builtin:pydocs")
WORDS = 2000
ROWS = 1500
TRAINING_STEPS = 300
LEARNING_RATE = 2e-3
TRAINING_LENGTH = 64
_RANDOM_LAYERS = 3
_WORD = re.compile(r"[a-z0-9]+|[^\sa-z0-9]")
_TUNED_LAYERS = 4
_TUNED = {"hidden_size": 64, "intermediate_size": 256}
# With weights as small as the stock ones, not every family learns in so few steps; with larger
# ones, FFN blocks stay as random as they began, and nothing linear makes up for random neurons.
_LEARNABLE = {"max_position_embeddings": TRAINING_LENGTH + 8, "initializer_range": 0.05}


def head_of_bases(family: Family) -> str:
    """Return the head of a family's tiny models: a classifier, or else what it has."""
    heads = heads_of(family)
    return CLASSIFIER if CLASSIFIER in heads else heads[0]


def write_texts(path: Path) -> Path:
    """Write some of the built-in texts, a line each."""
    texts, _ = read_pydocs()
    drawn = np.random.default_rng(0).permutation(len(texts))[:ROWS]
    path.write_text("".join(f"{texts[row]}\n" for row in drawn), encoding="utf-8")
    return path


def random_base(family: Family, directory: Path) -> None:
    """Write a model whose every parameter is random, positions, biases and norms as well."""
    head = head_of_bases(family)
    changes = _of_tokenizer(family) | _depth(family, _RANDOM_LAYERS)
    _save(tiny_model(family.model_type, head, **changes), directory)


def tuned_base(family: Family, directory: Path) -> tuple[Training, float]:
    """Write a classifier of the built-in texts that was trained for about a minute.

    Returns:
        The account of the training, and the accuracy on held-out texts.
    """
    untrained = directory.with_name(f"{directory.name}-untrained")
    shape = {getattr(family.keys, name): value for name, value in _TUNED.items()}
    shape |= _depth(family, _TUNED_LAYERS)
    if family.keys.embedding_size in family.defaults:
        shape[family.keys.embedding_size] = _TUNED["hidden_size"]
    changes = _of_tokenizer(family) | shape | _LEARNABLE | {"num_labels": len(PACKAGES)}
    config = tiny_config(family.model_type, CLASSIFIER, **changes)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model_class = getattr(transformers, family.architecture(CLASSIFIER))
        _save(model_class(config), untrained)
    record = bertslim.retrain(
        bertslim.RetrainOptions(
            str(untrained),
            LABELLED,
            output=directory,
            steps=TRAINING_STEPS,
            learning_rate=LEARNING_RATE,
            batch_size=32,
            max_length=TRAINING_LENGTH,
            dropout=False,
            dtype="float32",
            new_head=True,
            threads=1,
        )
    ).record
    (accuracy,) = (one.slim for one in record.measurements if one.name == "accuracy.accuracy")
    assert record.training is not None
    assert accuracy is not None
    return record.training, accuracy


def _depth(family: Family, layers: int) -> dict[str, int]:
    """Return the setting for so many layers, or for as many passes through one."""
    return {family.passes or family.keys.layers: layers}


def is_tunable(family: Family) -> bool:
    """Whether the family has a head that is trained on labelled texts."""
    return CLASSIFIER in heads_of(family)


def _of_tokenizer(family: Family) -> dict[str, Any]:
    """Return what a configuration says of the tokenizer; padding stays the family's own if it can.

    Some count positions from behind that of the stock configuration, whatever theirs says.
    """
    stock = tiny_config(family.model_type).pad_token_id
    return {"vocab_size": WORDS, "pad_token_id": stock if stock in (0, 1) else 0}


def _save(model: PreTrainedModel, directory: Path) -> None:
    """Write a model with a tokenizer for the built-in texts."""
    with quiet_transformers():
        model.save_pretrained(directory)
        vocabulary = directory / "vocab.txt"
        words = _vocabulary(padding=model.config.pad_token_id)
        vocabulary.write_text("".join(f"{word}\n" for word in words), encoding="utf-8")
        BertTokenizer(str(vocabulary)).save_pretrained(directory)


def _vocabulary(padding: int) -> list[str]:
    """Return the special tokens, letters to spell rare words with, and the most frequent words."""
    texts, _ = read_pydocs()
    counted = Counter(word for text in texts for word in _WORD.findall(text.lower()))
    letters = sorted({letter for word in counted for letter in word})
    spelled = ["[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{one}" for one in letters)]
    frequent = sorted(counted, key=lambda word: (-counted[word], word))
    words = list(dict.fromkeys([*spelled, *frequent]))[: WORDS - 1]
    words.insert(padding, "[PAD]")
    return words


def families_named(names: list[str] | None) -> list[Family]:
    """Return the families of these names, or all, in the order of the table."""
    return [family for family in FAMILIES.values() if not names or family.model_type in names]
