"""What two models answer to the same texts, compared text by text in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedModel

from bertslim.data.batches import Batch
from bertslim.records import ModelFacts

FloatArray = NDArray[np.float64]

_TOKEN_HEADS = ("TokenClassification", "MaskedLM")
_WORD_HEADS = ("MaskedLM", "PreTraining")
_NEVER = -1e9
# A word head says a number for each token and each word of the vocabulary: gigabytes a batch.
_OUTPUTS_AT_ONCE = 1 << 24


@dataclass(frozen=True)
class Answers:
    """A model's answer to a batch.

    Attributes:
        logits: (decisions, classes): one or more decisions a text, such as one a token.
        owner: (decisions,): the text of the batch that each belongs to.
    """

    logits: Tensor
    owner: Tensor


@dataclass(frozen=True)
class Comparison:
    """How closely the slim model follows the base, in the order of the data set.

    What does not apply to the kind of model is None.

    Attributes:
        kl: (texts,): KL(base || slim) in nats, averaged over the decisions of a text.
        agreement: (texts,): the share of decisions in which both choose the same class.
        cosine: (texts,): cosine between the mean-pooled hidden states, for bare encoders.
        base_outputs: (texts, outputs): what heads with one answer a text put out.
        slim_outputs: The same of the slim model.
    """

    kl: FloatArray | None = None
    agreement: FloatArray | None = None
    cosine: FloatArray | None = None
    base_outputs: FloatArray | None = None
    slim_outputs: FloatArray | None = None


@torch.inference_mode()
def compare_predictions(
    base: PreTrainedModel, slim: PreTrainedModel, batches: Iterable[Batch], facts: ModelFacts
) -> Comparison:
    """Run both models over the batches and compare them text by text.

    Args:
        base: The teacher, in eval mode.
        slim: The model to judge, in eval mode.
        batches: All rows of a data set.
        facts: The shape of the base; its head says how outputs are read.
    """
    columns: dict[str, list[Tensor]] = {}
    order: list[int] = []
    for batch in batches:
        order.extend(batch.rows)
        for piece in _pieces(batch, facts):
            for name, values in _compare_batch(base, slim, piece, facts).items():
                columns.setdefault(name, []).append(values)
    back = np.argsort(order)
    return Comparison(**{name: torch.cat(parts).numpy()[back] for name, parts in columns.items()})


@torch.inference_mode()
def predict(model: PreTrainedModel, batches: Iterable[Batch]) -> FloatArray:
    """Return what a text classifier puts out, (texts, outputs), in the order of the data set."""
    order: list[int] = []
    outputs: list[Tensor] = []
    for batch in batches:
        order.extend(batch.rows)
        outputs.append(model(**batch.inputs).logits.double())
    found: FloatArray = torch.cat(outputs).numpy()[np.argsort(order)]
    return found


def _pieces(batch: Batch, facts: ModelFacts) -> Iterator[Batch]:
    """Split a batch whose outputs would take too much memory."""
    texts = len(batch.rows)
    if facts.head in _WORD_HEADS:
        outputs_a_text = batch.inputs["input_ids"].shape[1] * facts.vocab_size
        texts = max(1, _OUTPUTS_AT_ONCE // outputs_a_text)
    for start in range(0, len(batch.rows), texts):
        part = slice(start, start + texts)
        inputs = {name: values[part] for name, values in batch.inputs.items()}
        yield Batch(inputs=inputs, labels=None, rows=batch.rows[part])


def _compare_batch(
    base: PreTrainedModel, slim: PreTrainedModel, batch: Batch, facts: ModelFacts
) -> dict[str, Tensor]:
    if facts.head == "":
        return {"cosine": _cosine(_embed(base, batch), _embed(slim, batch))}
    one_answer = facts.head == "SequenceClassification"
    if one_answer and _is_regression(base, facts):
        return {
            "base_outputs": base(**batch.inputs).logits.double(),
            "slim_outputs": slim(**batch.inputs).logits.double(),
        }
    teacher, student = _answer(base, batch, facts.head), _answer(slim, batch, facts.head)
    texts = len(batch.rows)
    compared = {
        "kl": _by_text(kl_divergence(teacher.logits, student.logits), teacher.owner, texts),
        "agreement": _by_text(_agreement(teacher.logits, student.logits), teacher.owner, texts),
    }
    if one_answer and not _is_multi_label(base):
        compared |= {"base_outputs": teacher.logits, "slim_outputs": student.logits}
    return compared


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


def _by_text(values: Tensor, owner: Tensor, texts: int) -> Tensor:
    """Average the decisions of each text; (decisions,) -> (texts,)."""
    total = values.new_zeros(texts).index_add_(0, owner, values)
    return total / owner.bincount(minlength=texts).clamp(min=1)


def _embed(model: PreTrainedModel, batch: Batch) -> Tensor:
    hidden: Tensor = model(**batch.inputs).last_hidden_state.double()
    mask = batch.inputs["attention_mask"].unsqueeze(-1)
    return (hidden * mask).sum(dim=1) / mask.sum(dim=1)


def _cosine(base: Tensor, slim: Tensor) -> Tensor:
    return torch.nn.functional.cosine_similarity(base, slim, dim=-1)


def _answer(model: PreTrainedModel, batch: Batch, head: str) -> Answers:
    inputs = batch.inputs
    texts = torch.arange(len(batch.rows))
    mask = inputs["attention_mask"].bool()
    if head == "MultipleChoice":
        backwards = _backwards(inputs)
        pairs = {name: torch.stack([inputs[name], backwards[name]], dim=1) for name in inputs}
        return Answers(model(**pairs).logits.double(), texts)
    outputs = model(**inputs)
    if head == "QuestionAnswering":
        ends = torch.cat([outputs.start_logits, outputs.end_logits]).double()
        return Answers(ends.masked_fill(~torch.cat([mask, mask]), _NEVER), texts.repeat(2))
    if head in _TOKEN_HEADS:
        return Answers(outputs.logits[mask], mask.nonzero()[:, 0])
    if head == "PreTraining":
        return _answer_pretraining(outputs, mask)
    if _is_multi_label(model):
        return Answers(_yes_or_no(outputs.logits), texts.repeat_interleave(outputs.logits.shape[1]))
    return Answers(outputs.logits.double(), texts)


def _backwards(inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return each text with its tokens the other way round, padding left in place.

    It is the other choice where one has to be made: no matter which texts share a batch.
    """
    mask = inputs["attention_mask"]
    length = mask.shape[1]
    order = (mask.sum(dim=1, keepdim=True) - 1 - torch.arange(length)) % length
    return {name: values.gather(1, order) for name, values in inputs.items()}


def _answer_pretraining(outputs: object, mask: Tensor) -> Answers:
    """BERT predicts the token; ELECTRA says of each whether it was replaced."""
    owner = mask.nonzero()[:, 0]
    words = getattr(outputs, "prediction_logits", None)
    if words is not None:
        return Answers(words[mask], owner)
    replaced: Tensor = outputs.logits  # type: ignore[attr-defined]
    return Answers(_yes_or_no(replaced[mask]), owner)


def _yes_or_no(logits: Tensor) -> Tensor:
    flat = logits.flatten().double()
    return torch.stack([torch.zeros_like(flat), flat], dim=-1)


def _is_multi_label(model: PreTrainedModel) -> bool:
    return bool(model.config.problem_type == "multi_label_classification")


def _is_regression(model: PreTrainedModel, facts: ModelFacts) -> bool:
    return facts.labels == 1 or model.config.problem_type == "regression"
