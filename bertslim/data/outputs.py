"""What a model chose between: how the outputs of each head are read, whatever is made of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bertslim.data.task import Batch
from bertslim.records import ModelFacts

_TOKEN_HEADS = ("TokenClassification", "MaskedLM")
WORD_HEADS = ("MaskedLM", "PreTraining")
PER_TOKEN_HEADS = (*_TOKEN_HEADS, "PreTraining", "QuestionAnswering")
_NEVER = -1e9
# A word head puts out a number for each token and each word of the vocabulary: gigabytes a batch.
OUTPUTS_AT_ONCE = 1 << 24


@dataclass(frozen=True)
class Decisions:
    """What a model chose between in a batch.

    Attributes:
        logits: (decisions, classes): one or more decisions a sequence, such as one a token.
        owner: (decisions,): the sequence of the batch that each belongs to.
        words: Whether the classes are the tokens of the vocabulary.
    """

    logits: Tensor
    owner: Tensor
    words: bool = False


def pieces(batch: Batch, facts: ModelFacts) -> Iterator[Batch]:
    """Split a batch whose outputs would take too much memory.

    Args:
        batch: Sequences.
        facts: The shape of the model that they go through.
    """
    for part in parts(batch, facts):
        yield batch.part(part)


def parts(batch: Batch, facts: ModelFacts) -> Iterator[slice]:
    """Yield the sequences of each of the pieces, arguments as above."""
    sequences = len(batch.rows)
    if facts.head in WORD_HEADS:
        outputs_a_sequence = batch.inputs["input_ids"].shape[1] * facts.vocab_size
        sequences = max(1, OUTPUTS_AT_ONCE // outputs_a_sequence)
    for start in range(0, len(batch.rows), sequences):
        yield slice(start, start + sequences)


def model_inputs(batch: Batch, head: str) -> dict[str, Tensor]:
    """Return what a model takes for a batch: `model(**inputs)`.

    A head that chooses between texts is given each text, and after it the text backwards: all
    inputs are (sequences, 2, length) then.

    Args:
        batch: Sequences.
        head: What stands on the encoder, as in ModelFacts.
    """
    if head != "MultipleChoice":
        return batch.inputs
    backwards = _backwards(batch.inputs)
    return {
        name: torch.stack([values, backwards[name]], dim=1) for name, values in batch.inputs.items()
    }


def on_cpu(outputs: Any) -> Any:
    """Return what a model put out, with all its tensors on the CPU."""
    from accelerate.utils import send_to_device

    return send_to_device(outputs, "cpu")


def decisions(outputs: Any, batch: Batch, head: str, *, several: bool) -> Decisions:
    """Read what a model with classes chose between, real tokens only.

    Args:
        outputs: What the model put out for `model_inputs`.
        batch: The sequences that it was run on.
        head: What stands on the encoder, as in ModelFacts.
        several: Whether each label of a text is a decision of its own.
    """
    mask = batch.inputs["attention_mask"].bool()
    sequences = torch.arange(len(batch.rows), device=mask.device)
    if head == "QuestionAnswering":
        ends = torch.cat([outputs.start_logits, outputs.end_logits]).double()
        return Decisions(ends.masked_fill(~torch.cat([mask, mask]), _NEVER), sequences.repeat(2))
    if head in _TOKEN_HEADS:
        words = head in WORD_HEADS
        return Decisions(outputs.logits[mask], mask.nonzero()[:, 0], words)
    if head == "PreTraining":
        return _decisions_of_pretraining(outputs, mask)
    if several and head == "SequenceClassification":
        labels = outputs.logits.shape[1]
        return Decisions(_yes_or_no(outputs.logits), sequences.repeat_interleave(labels))
    return Decisions(outputs.logits.double(), sequences)


def _backwards(inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return each text with its tokens the other way round, padding left in place.

    It is the other choice where one has to be made: no matter which texts share a batch.
    """
    mask = inputs["attention_mask"]
    length = mask.shape[1]
    places = torch.arange(length, device=mask.device)
    order = (mask.sum(dim=1, keepdim=True) - 1 - places) % length
    return {name: values.gather(1, order) for name, values in inputs.items()}


def _decisions_of_pretraining(outputs: Any, mask: Tensor) -> Decisions:
    """BERT predicts the token; ELECTRA predicts of each whether it was replaced."""
    owner = mask.nonzero()[:, 0]
    words = getattr(outputs, "prediction_logits", None)
    if words is not None:
        return Decisions(words[mask], owner, words=True)
    return Decisions(_yes_or_no(outputs.logits[mask]), owner)


def _yes_or_no(logits: Tensor) -> Tensor:
    flat = logits.flatten().double()
    return torch.stack([torch.zeros_like(flat), flat], dim=-1)
