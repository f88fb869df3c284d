"""How good a model is on the select split, to choose which weights to keep."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from transformers import PreTrainedModel

from bertslim.data.outputs import WORD_HEADS, pieces
from bertslim.data.task import Batch, Rows
from bertslim.measure.predictions import predict
from bertslim.model.checkpoint import Checkpoint
from bertslim.recipe.schema import Distill
from bertslim.records import ModelFacts
from bertslim.training.distillation import Distillation, ModelOutputs, Teacher

_ANSWERS = Distill(logits=1, hidden=0, temperature=1)


class Selection(ABC):
    """A score of models on some rows.

    Attributes:
        name: What is measured.
        higher_is_better: Which of two models it prefers.
    """

    name: str
    higher_is_better: bool

    @abstractmethod
    def score(self, model: PreTrainedModel) -> float:
        """Score a model, which is in eval mode afterwards."""

    def prefers(self, score: float | None, to: float | None) -> bool:
        """Whether a score is better than another; none never is, and any is better than none."""
        if score is None or to is None:
            return score is not None
        return score > to if self.higher_is_better else score < to


class ByTeacher(Selection):
    """How far the answers are from the teacher's; needs no labels.

    Args:
        teacher: Whose answers are matched.
        batches: The rows.
    """

    higher_is_better = False

    def __init__(self, teacher: Teacher, batches: Sequence[Batch]) -> None:
        self._distillation = Distillation(teacher, _ANSWERS)
        facts = teacher.checkpoint.facts
        self._batches = [piece for batch in batches for piece in pieces(batch, facts)]
        # A number a word of the vocabulary and token is too much to keep.
        self._keeps = facts.head not in WORD_HEADS
        self._teacher_outputs: dict[int, ModelOutputs] = {}
        self.name = _difference(teacher.checkpoint)

    @torch.inference_mode()
    def score(self, model: PreTrainedModel) -> float:
        """Return the mean over the sequences."""
        model.eval()
        total, count = 0.0, 0
        for number, here in enumerate(self._batches):
            batch = here.to(model.device)
            teacher_outputs = self._teacher_outputs.get(number) or self._distillation.run_teacher(
                batch
            )
            if self._keeps:
                self._teacher_outputs[number] = teacher_outputs
            student_outputs = self._distillation.run_student(model, (), batch, labels=False)
            loss = self._distillation.answers_loss(teacher_outputs, student_outputs, batch)
            total += len(batch.rows) * float(loss)
            count += len(batch.rows)
        return total / count


class ByLabels(Selection):
    """The task's own metric, the most telling one.

    Args:
        rows: Labelled.
        batches: The same, tokenised.
        facts: The shape of the models.
    """

    def __init__(self, rows: Rows, batches: Sequence[Batch], facts: ModelFacts) -> None:
        self._rows, self._batches, self._facts = rows, batches, facts
        self.name = ""
        self.higher_is_better = True

    def score(self, model: PreTrainedModel) -> float:
        """Return the metric over all rows."""
        model.eval()
        answers = predict(model, self._batches, self._facts, self._rows.task)
        score = self._rows.task.score(self._rows.table, answers)[0]
        self.name = score.name
        self.higher_is_better = bool(score.metric.higher_is_better)
        return score.value


def _difference(teacher: Checkpoint) -> str:
    if teacher.facts.head == "":
        return "1 - cosine"
    return "squared error" if teacher.is_regression else "KL"
