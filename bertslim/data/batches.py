"""Rows -> tokenised batches, sequences of like length together so that little is padded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import DataCollatorWithPadding, PreTrainedTokenizerBase

from bertslim.data.task import IGNORED, Batch, Feature, Rows
from bertslim.errors import ModelError


def batches(
    rows: Rows,
    tokenizer: PreTrainedTokenizerBase,
    *,
    batch_size: int,
    max_length: int,
    label: bool = False,
) -> list[Batch]:
    """Tokenise all rows, the longest first, each padded to its batch's longest.

    Args:
        rows: What to run the model on.
        tokenizer: The model's tokenizer.
        batch_size: Sequences a batch; the last may have fewer.
        max_length: Tokens that the model can take; longer texts are cut there, or earlier where the
            tokenizer has a lower limit; contexts of questions go on in another sequence.
        label: Whether to give the labels along; for masked words they also settle what is masked.

    Raises:
        ModelError: The tokenizer has no padding token, or lacks what the task needs.
    """
    features = tokenise(rows, tokenizer, max_length, label=label)
    features.sort(key=lambda feature: -len(feature.inputs["input_ids"]))
    return batched(features, tokenizer, batch_size)


def batched(
    features: Sequence[Feature], tokenizer: PreTrainedTokenizerBase, batch_size: int
) -> list[Batch]:
    """Collate sequences in their order, the last batch with what is left."""
    return [
        collate(features[start : start + batch_size], tokenizer)
        for start in range(0, len(features), batch_size)
    ]


def tokenise(
    rows: Rows, tokenizer: PreTrainedTokenizerBase, max_length: int, *, label: bool
) -> list[Feature]:
    """Tokenise all rows in their order, arguments as above."""
    if tokenizer.pad_token_id is None:
        raise ModelError("the tokenizer has no padding token", where=tokenizer.name_or_path)
    if len(rows) == 0:
        return []
    limit = min(max_length, tokenizer.model_max_length)
    return rows.task.features(rows.table, tokenizer, limit, label=label)


def collate(features: Sequence[Feature], tokenizer: PreTrainedTokenizerBase) -> Batch:
    """Pad sequences to the longest, labels of tokens with what the losses leave out."""
    pad = DataCollatorWithPadding(tokenizer)
    return Batch(
        inputs=dict(pad([feature.inputs for feature in features])),
        rows=tuple(feature.row for feature in features),
        targets={
            name: _stack([feature.targets[name] for feature in features], tokenizer.padding_side)
            for name in features[0].targets
        },
        details=tuple(feature.detail for feature in features),
    )


def _stack(values: Sequence[Any], side: str) -> Tensor:
    if not isinstance(values[0], list):
        return torch.tensor(values)
    return torch.nn.utils.rnn.pad_sequence(
        [torch.tensor(value) for value in values],
        batch_first=True,
        padding_value=IGNORED,
        padding_side=side,
    )
