"""What two models answer to the same texts, compared row by row in one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bertslim.arrays import FloatArray
from bertslim.data.outputs import (
    OUTPUTS_AT_ONCE,
    PER_TOKEN_HEADS,
    Decisions,
    decisions,
    model_inputs,
    on_cpu,
    parts,
    pieces,
)
from bertslim.data.paired_batches import PairedBatch, SharedTokens
from bertslim.data.task import Answers, Batch, Task
from bertslim.model.checkpoint import Checkpoint
from bertslim.model.finite_outputs import require_finite_outputs
from bertslim.records import ModelFacts

_NO_WORD = -1


@dataclass(frozen=True)
class PredictionComparison:
    """How closely the slim model follows the base, in the order of the data set.

    What does not apply to the kind of model is None. Where a head has outputs for each token,
    figures are those of the rows alone that both models read as the same tokens.

    Attributes:
        rows: How many rows were compared.
        kl: (rows,): KL(base || slim) in nats, averaged over the decisions of a sequence, then over
            the sequences of a row.
        agreement: (rows,): the share of decisions in which both choose the same class.
        cosine: (rows,): cosine between the embeddings, for bare encoders.
        base_outputs: (rows, outputs): what regressors and rerankers put out.
        slim_outputs: The same of the slim model.
        base_answers: What the task read from the base's outputs, for each row; None: there was no
            task to be scored on.
        slim_answers: The same of the slim model.
    """

    rows: int = 0
    kl: FloatArray | None = None
    agreement: FloatArray | None = None
    cosine: FloatArray | None = None
    base_outputs: FloatArray | None = None
    slim_outputs: FloatArray | None = None
    base_answers: Answers | None = None
    slim_answers: Answers | None = None


@torch.inference_mode()
def compare_predictions(
    base: Checkpoint,
    slim: Callable[..., Any],
    batches: Iterable[PairedBatch],
    *,
    task: Task | None = None,
    shared: SharedTokens | None = None,
) -> PredictionComparison:
    """Run both models over the batches and compare them row by row.

    Args:
        base: The teacher, in eval mode; its head defines how outputs are read.
        slim: The model to judge, in eval mode, or what is called as it is.
        batches: All rows of a data set.
        task: What to read from the outputs for scores; None: nothing.
        shared: The tokens that both models know, where their vocabularies differ.

    Raises:
        ModelError: A model puts out numbers that are not finite.
    """
    facts = base.facts
    figures: dict[str, list[Tensor]] = {}
    before, after = GatheredAnswers(task), GatheredAnswers(task)
    order: list[int] = []
    compared: list[int] = []
    for batch in batches:
        order.extend(batch.base.rows)
        comparable = batch.alike or facts.head not in PER_TOKEN_HEADS
        compared.extend(batch.base.rows if comparable else ())
        for piece in _pieces(batch, facts):
            teacher = _answer(base.model, piece.base, facts, "the base")
            student = _answer(slim, piece.slim, facts, "the other model")
            before.read(teacher, piece.base)
            after.read(student, piece.slim)
            if not comparable:
                continue
            values_by_name = compare_outputs(
                base,
                teacher,
                student,
                piece.base,
                slim_batch=piece.slim,
                shared=shared,
            )
            for name, values in values_by_name.items():
                figures.setdefault(name, []).append(values)
    if not order:
        return PredictionComparison()
    return PredictionComparison(
        rows=len(set(compared)),
        **{
            name: average_by_row(torch.cat(parts).numpy(), compared)
            for name, parts in figures.items()
        },
        base_answers=before.by_row(order),
        slim_answers=after.by_row(order),
    )


def _pieces(batch: PairedBatch, facts: ModelFacts) -> Iterator[PairedBatch]:
    """Split a batch for both models alike, as the one with the longer sequences needs it."""
    longer = max(batch.base, batch.slim, key=lambda side: side.inputs["input_ids"].shape[1])
    for part in parts(longer, facts):
        yield batch.part(part)


@torch.inference_mode()
def predict(
    model: Callable[..., Any], batches: Iterable[Batch], facts: ModelFacts, task: Task
) -> Answers:
    """Return what the task reads from a model's outputs, for each row of the data set.

    Raises:
        ModelError: The model puts out numbers that are not finite.
    """
    answers = GatheredAnswers(task)
    order: list[int] = []
    for batch in batches:
        order.extend(batch.rows)
        for piece in pieces(batch, facts):
            answers.read(_answer(model, piece, facts, "the model"), piece)
    return answers.by_row(order) or []


def _answer(model: Callable[..., Any], batch: Batch, facts: ModelFacts, name: str) -> Any:
    """Return what a model puts out, if it is all finite, on the CPU."""
    there = batch.to(getattr(model, "device", "cpu"))  # what runs a file takes tensors of the CPU
    inputs = model_inputs(there, facts.head)
    outputs = model(**inputs)
    require_finite_outputs(outputs, model, inputs, name=name)
    return on_cpu(outputs)


class GatheredAnswers:
    """What a task reads from the outputs, batch by batch."""

    def __init__(self, task: Task | None) -> None:
        self._task = task
        self._answers: list[Any] = []

    def read(self, outputs: Any, batch: Batch) -> None:
        """Read the answers to the sequences of a batch."""
        if self._task is not None:
            self._answers.extend(self._task.answers(outputs, batch))

    def by_row(self, order: Sequence[int]) -> Answers | None:
        """Gather the answers to the sequences of each row."""
        if self._task is None:
            return None
        rows: dict[int, list[Any]] = {row: [] for row in sorted(set(order))}
        for row, answer in zip(order, self._answers, strict=True):
            rows[row].append(answer)
        return list(rows.values())


def average_by_row(values: FloatArray, order: Sequence[int]) -> FloatArray:
    """Average (sequences, ...) over those of each row; rows in their order."""
    _, row = np.unique(order, return_inverse=True)
    total = np.zeros((row.max() + 1, *values.shape[1:]))
    np.add.at(total, row, values)
    averages: FloatArray = total / np.bincount(row).reshape(-1, *[1] * (values.ndim - 1))
    return averages


def compare_outputs(
    base: Checkpoint,
    teacher: Any,
    student: Any,
    batch: Batch,
    *,
    slim_batch: Batch | None = None,
    shared: SharedTokens | None = None,
) -> dict[str, Tensor]:
    """Compare the outputs of both models to a batch, sequence by sequence.

    Args:
        base: The teacher.
        teacher: What it put out.
        student: What the other model put out.
        batch: The sequences that both were run on.
        slim_batch: The sequences as the other model reads them; None: as the base does. What
            PER_TOKEN_HEADS put out is compared only where both read the same tokens.
        shared: The tokens that both models know, where their vocabularies differ.

    Returns:
        Fields of a `PredictionComparison` by name, each (sequences, ...).
    """
    slim_batch, head = slim_batch or batch, base.facts.head
    if head == "":
        before, after = (
            base.embedder(outputs.last_hidden_state.double(), read.inputs["attention_mask"])
            for outputs, read in ((teacher, batch), (student, slim_batch))
        )
        return {"cosine": torch.nn.functional.cosine_similarity(before, after, dim=-1)}
    if base.is_regression:
        return {
            "base_outputs": teacher.logits.double(),
            "slim_outputs": student.logits.double(),
        }
    several = base.is_multi_label
    base_decisions = decisions(teacher, batch, head, several=several)
    slim_decisions = decisions(student, slim_batch, head, several=several)
    kl, agreement = _compare_decisions(
        base_decisions, slim_decisions, shared if base_decisions.words else None
    )
    sequences = len(batch.rows)
    return {
        "kl": _by_owner(kl, base_decisions.owner, sequences),
        "agreement": _by_owner(agreement, base_decisions.owner, sequences),
    }


def _compare_decisions(
    base: Decisions, slim: Decisions, shared: SharedTokens | None
) -> tuple[Tensor, Tensor]:
    """Return KL and agreement of each decision, (decisions,) each.

    Where the vocabularies differ, KL is that between the distributions over the words that both
    know, and a word that the other model does not know is one on which they disagree.
    """
    if shared is None:
        same = base.logits.argmax(dim=-1) == slim.logits.argmax(dim=-1)
        return kl_divergence(base.logits, slim.logits), same.double()
    before, after = torch.tensor(shared.base), torch.tensor(shared.slim)
    base_ids = torch.full((slim.logits.shape[1],), _NO_WORD)
    base_ids[after] = before
    same = base.logits.argmax(dim=-1) == base_ids[slim.logits.argmax(dim=-1)]
    return kl_divergence(base.logits[:, before], slim.logits[:, after]), same.double()


def kl_divergence(teacher: Tensor, student: Tensor) -> Tensor:
    """Return KL(teacher || student) in nats of each row of logits (decisions, classes).

    It is worked out in float64, and in chunks, since there may be a class a word.
    """
    rows = max(1, OUTPUTS_AT_ONCE // (4 * teacher.shape[1]))
    chunks = zip(torch.split(teacher, rows), torch.split(student, rows), strict=True)
    return torch.cat(
        [_kl(teacher_rows.double(), student_rows.double()) for teacher_rows, student_rows in chunks]
    )


def _kl(teacher: Tensor, student: Tensor) -> Tensor:
    log_p, log_q = teacher.log_softmax(dim=-1), student.log_softmax(dim=-1)
    return (log_p.exp() * (log_p - log_q)).sum(dim=-1)


def _by_owner(values: Tensor, owner: Tensor, sequences: int) -> Tensor:
    """Average the decisions of each sequence; (decisions,) -> (sequences,)."""
    total = values.new_zeros(sequences).index_add_(0, owner, values)
    return total / owner.bincount(minlength=sequences).clamp(min=1)
