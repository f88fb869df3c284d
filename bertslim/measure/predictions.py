"""What two models answer to the same texts, compared row by row in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedModel

from bertslim.data.batches import Batch
from bertslim.data.pooling import Pooling
from bertslim.data.task import Answers, Task
from bertslim.records import ModelFacts

FloatArray = NDArray[np.float64]

_TOKEN_HEADS = ("TokenClassification", "MaskedLM")
_WORD_HEADS = ("MaskedLM", "PreTraining")
_NEVER = -1e9
# A word head says a number for each token and each word of the vocabulary: gigabytes a batch.
_OUTPUTS_AT_ONCE = 1 << 24


@dataclass(frozen=True)
class Decisions:
    """What a model chose between in a batch.

    Attributes:
        logits: (decisions, classes): one or more decisions a sequence, such as one a token.
        owner: (decisions,): the sequence of the batch that each belongs to.
    """

    logits: Tensor
    owner: Tensor


@dataclass(frozen=True)
class Comparison:
    """How closely the slim model follows the base, in the order of the data set.

    What does not apply to the kind of model is None.

    Attributes:
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

    kl: FloatArray | None = None
    agreement: FloatArray | None = None
    cosine: FloatArray | None = None
    base_outputs: FloatArray | None = None
    slim_outputs: FloatArray | None = None
    base_answers: Answers | None = None
    slim_answers: Answers | None = None


@torch.inference_mode()
def compare_predictions(
    base: PreTrainedModel,
    slim: PreTrainedModel,
    batches: Iterable[Batch],
    facts: ModelFacts,
    *,
    task: Task | None = None,
    pooling: Pooling | None = None,
) -> Comparison:
    """Run both models over the batches and compare them row by row.

    Args:
        base: The teacher, in eval mode.
        slim: The model to judge, in eval mode.
        batches: All rows of a data set.
        facts: The shape of the base; its head says how outputs are read.
        task: What to read from the outputs for scores; None: nothing.
        pooling: How a bare encoder's hidden states become an embedding; None: by their mean.
    """
    figures: dict[str, list[Tensor]] = {}
    before, after = _Answers(task), _Answers(task)
    order: list[int] = []
    for batch in batches:
        order.extend(batch.rows)
        for piece in _pieces(batch, facts):
            teacher, student = (_run(model, piece, facts.head) for model in (base, slim))
            before.read(teacher, piece)
            after.read(student, piece)
            found = _compare(base, teacher, student, piece, facts, pooling or Pooling())
            for name, values in found.items():
                figures.setdefault(name, []).append(values)
    if not order:
        return Comparison()
    return Comparison(
        **{name: _by_row(torch.cat(parts).numpy(), order) for name, parts in figures.items()},
        base_answers=before.by_row(order),
        slim_answers=after.by_row(order),
    )


@torch.inference_mode()
def predict(
    model: PreTrainedModel, batches: Iterable[Batch], facts: ModelFacts, task: Task
) -> Answers:
    """Return what the task reads from a model's outputs, for each row of the data set."""
    answers = _Answers(task)
    order: list[int] = []
    for batch in batches:
        order.extend(batch.rows)
        for piece in _pieces(batch, facts):
            answers.read(_run(model, piece, facts.head), piece)
    return answers.by_row(order) or []


class _Answers:
    """What a task reads from the outputs, batch by batch."""

    def __init__(self, task: Task | None) -> None:
        self._task = task
        self._found: list[Any] = []

    def read(self, outputs: Any, batch: Batch) -> None:
        if self._task is not None:
            self._found.extend(self._task.answers(outputs, batch))

    def by_row(self, order: Sequence[int]) -> Answers | None:
        """Gather the answers to the sequences of each row."""
        if self._task is None:
            return None
        rows: dict[int, list[Any]] = {row: [] for row in sorted(set(order))}
        for row, answer in zip(order, self._found, strict=True):
            rows[row].append(answer)
        return list(rows.values())


def _by_row(values: FloatArray, order: Sequence[int]) -> FloatArray:
    """Average (sequences, ...) over those of each row; rows in their order."""
    _, row = np.unique(order, return_inverse=True)
    total = np.zeros((row.max() + 1, *values.shape[1:]))
    np.add.at(total, row, values)
    found: FloatArray = total / np.bincount(row).reshape(-1, *[1] * (values.ndim - 1))
    return found


def _pieces(batch: Batch, facts: ModelFacts) -> Iterator[Batch]:
    """Split a batch whose outputs would take too much memory."""
    sequences = len(batch.rows)
    if facts.head in _WORD_HEADS:
        outputs_a_sequence = batch.inputs["input_ids"].shape[1] * facts.vocab_size
        sequences = max(1, _OUTPUTS_AT_ONCE // outputs_a_sequence)
    for start in range(0, len(batch.rows), sequences):
        yield batch.part(slice(start, start + sequences))


def _run(model: PreTrainedModel, batch: Batch, head: str) -> Any:
    inputs = batch.inputs
    if head == "MultipleChoice":
        backwards = _backwards(inputs)
        inputs = {name: torch.stack([inputs[name], backwards[name]], dim=1) for name in inputs}
    return model(**inputs)


def _compare(
    base: PreTrainedModel,
    teacher: Any,
    student: Any,
    batch: Batch,
    facts: ModelFacts,
    pooling: Pooling,
) -> dict[str, Tensor]:
    """Compare the outputs of both models to a batch, sequence by sequence."""
    if facts.head == "":
        mask = batch.inputs["attention_mask"]
        before = pooling(teacher.last_hidden_state.double(), mask)
        after = pooling(student.last_hidden_state.double(), mask)
        return {"cosine": torch.nn.functional.cosine_similarity(before, after, dim=-1)}
    if facts.head == "SequenceClassification" and _is_regression(base, facts):
        return {
            "base_outputs": teacher.logits.double(),
            "slim_outputs": student.logits.double(),
        }
    several = _is_multi_label(base)
    one, other = (
        _decisions(outputs, batch, facts.head, several=several) for outputs in (teacher, student)
    )
    sequences = len(batch.rows)
    return {
        "kl": _by_owner(kl_divergence(one.logits, other.logits), one.owner, sequences),
        "agreement": _by_owner(_agreement(one.logits, other.logits), one.owner, sequences),
    }


def kl_divergence(teacher: Tensor, student: Tensor) -> Tensor:
    """Return KL(teacher || student) in nats of each row of logits (decisions, classes).

    It is worked out in float64, and in chunks, since there may be a class a word.
    """
    rows = max(1, _OUTPUTS_AT_ONCE // (4 * teacher.shape[1]))
    chunks = zip(torch.split(teacher, rows), torch.split(student, rows), strict=True)
    return torch.cat([_kl(one.double(), other.double()) for one, other in chunks])


def _kl(teacher: Tensor, student: Tensor) -> Tensor:
    log_p, log_q = teacher.log_softmax(dim=-1), student.log_softmax(dim=-1)
    return (log_p.exp() * (log_p - log_q)).sum(dim=-1)


def _agreement(teacher: Tensor, student: Tensor) -> Tensor:
    return (teacher.argmax(dim=-1) == student.argmax(dim=-1)).double()


def _by_owner(values: Tensor, owner: Tensor, sequences: int) -> Tensor:
    """Average the decisions of each sequence; (decisions,) -> (sequences,)."""
    total = values.new_zeros(sequences).index_add_(0, owner, values)
    return total / owner.bincount(minlength=sequences).clamp(min=1)


def _decisions(outputs: Any, batch: Batch, head: str, *, several: bool) -> Decisions:
    sequences = torch.arange(len(batch.rows))
    mask = batch.inputs["attention_mask"].bool()
    if head == "QuestionAnswering":
        ends = torch.cat([outputs.start_logits, outputs.end_logits]).double()
        return Decisions(ends.masked_fill(~torch.cat([mask, mask]), _NEVER), sequences.repeat(2))
    if head in _TOKEN_HEADS:
        return Decisions(outputs.logits[mask], mask.nonzero()[:, 0])
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
    order = (mask.sum(dim=1, keepdim=True) - 1 - torch.arange(length)) % length
    return {name: values.gather(1, order) for name, values in inputs.items()}


def _decisions_of_pretraining(outputs: Any, mask: Tensor) -> Decisions:
    """BERT predicts the token; ELECTRA says of each whether it was replaced."""
    owner = mask.nonzero()[:, 0]
    words = getattr(outputs, "prediction_logits", None)
    if words is not None:
        return Decisions(words[mask], owner)
    return Decisions(_yes_or_no(outputs.logits[mask]), owner)


def _yes_or_no(logits: Tensor) -> Tensor:
    flat = logits.flatten().double()
    return torch.stack([torch.zeros_like(flat), flat], dim=-1)


def _is_multi_label(model: PreTrainedModel) -> bool:
    return bool(model.config.problem_type == "multi_label_classification")


def _is_regression(model: PreTrainedModel, facts: ModelFacts) -> bool:
    return facts.labels == 1 or model.config.problem_type == "regression"
