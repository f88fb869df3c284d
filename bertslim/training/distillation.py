"""What a student is to learn from its teacher, as a loss.

The teacher's answers are matched at a temperature (Hinton et al. 2015, arXiv 1503.02531), its
hidden states layer by layer (TinyBERT, Jiao et al. 2020, arXiv 1909.10351). Every sequence counts
the same, however many tokens or decisions it has, so that the loss of a batch is the mean over its
sequences, whichever process they fall to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

from bertslim.data.embedder import Embedder
from bertslim.data.outputs import Decisions, decisions, model_inputs
from bertslim.data.task import IGNORED, Batch
from bertslim.model.checkpoint import Checkpoint
from bertslim.model.layer import watch_output
from bertslim.recipe.schema import Distill

_LEAST_VARIANCE = 1e-6


@dataclass(frozen=True)
class Teacher:
    """A model to learn from.

    Attributes:
        checkpoint: The model, in eval mode.
        layers: The layer that each layer of the student is to be like.
    """

    checkpoint: Checkpoint
    layers: Sequence[int]


@dataclass(frozen=True)
class ModelOutputs:
    """What a model made of a batch: its outputs, and the hidden states that are compared."""

    outputs: Any
    states: Sequence[Tensor]


class Distillation:
    """The weighted sum of the losses.

    Args:
        teacher: The model to learn from.
        weights: How much each loss counts.
    """

    def __init__(self, teacher: Teacher, weights: Distill) -> None:
        self._teacher = teacher.checkpoint
        self._weights = weights
        layers = teacher.checkpoint.layers
        compared = teacher.layers if weights.hidden else ()
        self._layers = [layers[number].module for number in compared]

    @torch.no_grad()
    def run_teacher(self, batch: Batch) -> ModelOutputs:
        """Run the teacher, which is brought to where the batch is."""
        model = self._teacher.model.to(batch.inputs["input_ids"].device)  # type: ignore[arg-type]
        return _run(model, self._layers, batch, self._teacher.facts.head, labels=False)

    def run_student(
        self, model: nn.Module, layers: Sequence[nn.Module], batch: Batch, *, labels: bool
    ) -> ModelOutputs:
        """Run the student.

        Args:
            model: Wrapped by what spreads it over devices, or not.
            layers: Its layers.
            batch: What to run it on.
            labels: Whether it is to work out its own loss as well.
        """
        watched = layers if self._weights.hidden else ()
        return _run(model, watched, batch, self._teacher.facts.head, labels=labels)

    def loss(self, teacher: ModelOutputs, student: ModelOutputs, batch: Batch) -> Tensor:
        """Return the loss of a batch."""
        weights = self._weights
        mask = model_inputs(batch, self._teacher.facts.head)["attention_mask"]
        total = mask.new_zeros((), dtype=torch.float32)
        if weights.logits:
            total = total + weights.logits * self.answers_loss(teacher, student, batch)
        if weights.hidden:
            pairs = zip(teacher.states, student.states, strict=True)
            each = [states_loss(before, after, mask) for before, after in pairs]
            total = total + weights.hidden * torch.stack(each).mean()
        if weights.labels:
            total = total + weights.labels * student.outputs.loss
        return total

    def answers_loss(self, teacher: ModelOutputs, student: ModelOutputs, batch: Batch) -> Tensor:
        """Return how far the student's answers are from the teacher's."""
        head = self._teacher.facts.head
        if head == "":
            mask = batch.inputs["attention_mask"]
            return embeddings_loss(teacher.outputs, student.outputs, mask, self._teacher.embedder)
        if self._teacher.is_regression:
            return functional.mse_loss(student.outputs.logits, teacher.outputs.logits)
        several = self._teacher.is_multi_label
        teacher_decisions, student_decisions = (
            _masked_decisions(decisions(model.outputs, batch, head, several=several), batch)
            for model in (teacher, student)
        )
        temperature = self._weights.temperature
        return decisions_loss(teacher_decisions, student_decisions, len(batch.rows), temperature)

    def keep_shared_embeddings(self, student: PreTrainedModel) -> None:
        """Take word embeddings that are the teacher's own out of what is trained.

        Nothing was cut there, and they are half of the weights of a small encoder, which the
        optimizer would read and write at each step.
        """
        mine, its = (_word_embeddings(model) for model in (student, self._teacher.model))
        if mine.shape == its.shape and torch.equal(mine, its.to(mine.device)):
            mine.requires_grad_(False)


def _word_embeddings(model: PreTrainedModel) -> nn.Parameter:
    return cast(nn.Parameter, model.get_input_embeddings().weight)


def _run(
    model: nn.Module, layers: Sequence[nn.Module], batch: Batch, head: str, *, labels: bool
) -> ModelOutputs:
    with caught(layers) as states:
        outputs = model(**model_inputs(batch, head), **(batch.targets if labels else {}))
    return ModelOutputs(outputs, states)


def decisions_loss(
    teacher: Decisions, student: Decisions, sequences: int, temperature: float
) -> Tensor:
    """Return T^2 KL(teacher || student) of logits / T, by decisions, then by sequences.

    The mean over the decisions of a sequence, then over the sequences; T^2 keeps the gradients as
    large as at T = 1.
    """
    log_p = (teacher.logits.float() / temperature).log_softmax(dim=-1)
    log_q = (student.logits.float() / temperature).log_softmax(dim=-1)
    each = (log_p.exp() * (log_p - log_q)).sum(dim=-1)
    count = teacher.owner.bincount(minlength=sequences).clamp(min=1)
    total = each.new_zeros(sequences).index_add(0, teacher.owner, each)
    return temperature**2 * (total / count).mean()


def embeddings_loss(teacher: Any, student: Any, mask: Tensor, embedder: Embedder) -> Tensor:
    """Return 1 - cosine between the embeddings, the mean over the sequences."""
    before, after = (
        embedder(outputs.last_hidden_state.float(), mask) for outputs in (teacher, student)
    )
    return (1 - functional.cosine_similarity(before, after, dim=-1)).mean()


def states_loss(teacher: Tensor, student: Tensor, mask: Tensor) -> Tensor:
    """Return |h - h*|^2 as a share of the variance of h* over its channels.

    The mean over the real tokens of a sequence, then over the sequences.

    Args:
        teacher: h*, (sequences, length, hidden_size).
        student: h, of the same shape.
        mask: 1 for real tokens, (sequences, length), or (sequences, choices, length).
    """
    teacher, student = teacher.float(), student.float()
    mask = mask.flatten(0, -2).float()
    about_mean = teacher - teacher.mean(dim=-1, keepdim=True)
    variance = about_mean.square().mean(dim=-1).clamp(min=_LEAST_VARIANCE)
    error = (student - teacher).square().mean(dim=-1) / variance
    return ((error * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)).mean()


def _masked_decisions(every_decision: Decisions, batch: Batch) -> Decisions:
    """Keep, of a word a token, those that stand where words are to be restored."""
    labels = batch.labels
    if not every_decision.words or labels is None:
        return every_decision
    masked = labels[batch.inputs["attention_mask"].bool()] != IGNORED
    return Decisions(every_decision.logits[masked], every_decision.owner[masked], words=True)


@contextmanager
def caught(layers: Sequence[nn.Module]) -> Iterator[list[Tensor]]:
    """Yield a list that is filled with the hidden states after these layers when they run.

    Args:
        layers: In the order in which they run.

    Yields:
        (sequences, length, hidden_size) of each.
    """
    states: list[Tensor] = []
    handles = [watch_output(layer, states.append) for layer in layers]
    try:
        yield states
    finally:
        for handle in handles:
            handle.remove()
