"""Texts -> tokenised batches, rows of like length together so that little is padded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bertslim.errors import ModelError

if TYPE_CHECKING:
    from datasets import Dataset
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Batch:
    """Rows that go through the model together.

    Attributes:
        inputs: `input_ids`, `attention_mask` and what else the tokenizer makes, each
            (rows, length) of int64.
        labels: (rows,) of int64, if asked for.
        rows: The number of each row in the data set, from 0.
    """

    inputs: dict[str, Tensor]
    labels: Tensor | None
    rows: tuple[int, ...]


def batches(
    dataset: Dataset,
    tokenizer: PreTrainedTokenizerBase,
    *,
    batch_size: int,
    max_length: int,
    label: bool = False,
) -> list[Batch]:
    """Tokenise all rows of a data set, the longest first, each padded to its batch's longest.

    Args:
        dataset: Columns `text` and, for `label`, `label`.
        tokenizer: The model's tokenizer.
        batch_size: Rows a batch; the last may have fewer.
        max_length: Tokens that the model can take; longer texts are cut there, or earlier where the
            tokenizer says so.
        label: Whether to give the labels along.

    Raises:
        ModelError: The tokenizer has no padding token.
    """
    import torch
    from transformers import DataCollatorWithPadding

    if tokenizer.pad_token_id is None:
        raise ModelError("the tokenizer has no padding token", where=tokenizer.name_or_path)
    if len(dataset) == 0:
        return []
    encoded = tokenizer(
        dataset["text"][:],
        truncation=True,
        max_length=min(max_length, tokenizer.model_max_length),
        return_attention_mask=True,
    )
    lengths = [len(ids) for ids in encoded["input_ids"]]
    order = sorted(range(len(lengths)), key=lambda row: (-lengths[row], row))
    labels = torch.tensor(dataset["label"][:]) if label else None
    pad = DataCollatorWithPadding(tokenizer)
    result = []
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        inputs = pad([{key: values[row] for key, values in encoded.items()} for row in rows])
        result.append(
            Batch(
                inputs=dict(inputs),
                labels=labels[rows] if labels is not None else None,
                rows=tuple(rows),
            )
        )
    return result
