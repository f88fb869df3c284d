"""What an exported model takes: the names of its inputs, their free axes, and a sample to trace."""

from __future__ import annotations

from typing import Any

import torch
from torch.export import Dim

from bertslim.model.checkpoint import Checkpoint

ANSWERS_ALONE = {"return_dict": True, "output_attentions": False, "output_hidden_states": False}
_SAMPLE_BATCH, _SAMPLE_LENGTH, _SAMPLE_CHOICES = 2, 8, 3


def input_names(checkpoint: Checkpoint) -> tuple[str, ...]:
    """Return the inputs: token types only where the model has several, as in optimum."""
    types: int = getattr(checkpoint.model.config, "type_vocab_size", 0)
    return ("input_ids", "attention_mask", *(("token_type_ids",) if types > 1 else ()))


def input_axes(checkpoint: Checkpoint) -> dict[int, Any]:
    """Return the axes of every input, all of which are free, as optimum names them."""
    length = Dim("sequence_length", max=checkpoint.facts.max_length)
    if checkpoint.facts.head == "MultipleChoice":
        return {0: Dim("batch_size"), 1: Dim("num_choices"), 2: length}
    return {0: Dim("batch_size"), 1: length}


def sample_inputs(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the tensors of one call of the model, by input."""
    choices = (_SAMPLE_CHOICES,) if checkpoint.facts.head == "MultipleChoice" else ()
    shape = (_SAMPLE_BATCH, *choices, _SAMPLE_LENGTH)
    return {name: torch.ones(shape, dtype=torch.int64) for name in input_names(checkpoint)}
