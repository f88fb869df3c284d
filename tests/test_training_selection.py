"""Scores on the select split, and which of two it prefers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset

from bertslim.arrays import FloatArray
from bertslim.data.batches import batches
from bertslim.data.metrics import Score, mean_squared_error, spearman
from bertslim.data.plain_text import PlainText
from bertslim.data.task import LABEL, Answers, Rows
from bertslim.data.text_classification import TextClassification
from bertslim.data.text_regression import TextRegression
from bertslim.model.checkpoint import load_checkpoint
from bertslim.model.tokenizer import load_tokenizer
from bertslim.training.distillation import Teacher
from bertslim.training.selection import ByLabels, ByTeacher
from support.noisy_model import with_noise

TEXTS = ["good film", "bad film", "a b c d", "e f", "g", "film good bad"]


def by_teacher(directory: Any, *, head_batches: int = 2) -> tuple[ByTeacher, Any]:
    found, tokenizer = load_checkpoint(directory), load_tokenizer(directory)
    rows = Rows(PlainText(), Dataset.from_dict({"text": TEXTS}))
    made = batches(rows, tokenizer, batch_size=head_batches, max_length=20)
    teacher = Teacher(found, range(4))
    return ByTeacher(teacher, made), found.model


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ("SequenceClassification", "KL"),
        ("TokenClassification", "KL"),
        ("MaskedLM", "KL"),
        ("", "1 - cosine"),
    ],
)
def test_a_teacher_gives_itself_the_best_score_there_is(
    head: str, name: str, make_checkpoint
) -> None:
    selection, teacher = by_teacher(make_checkpoint("bert", head, tokenizer=True))
    assert selection.name == name
    perfect, other = selection.score(teacher), selection.score(with_noise(teacher, 0.05))
    assert perfect == pytest.approx(0, abs=1e-5)
    assert selection.prefers(perfect, to=other)
    assert not selection.prefers(other, to=perfect)
    assert not selection.prefers(perfect, to=perfect)
    assert not selection.prefers(float("nan"), to=other)


def test_the_score_is_the_mean_over_sequences_however_they_are_batched(make_checkpoint) -> None:
    directory = make_checkpoint("bert", "SequenceClassification", tokenizer=True)
    scores = []
    for size in (1, 4, 6):
        selection, teacher = by_teacher(directory, head_batches=size)
        torch.manual_seed(2)
        scores.append(selection.score(with_noise(teacher, 0.05)))
    assert scores == pytest.approx([scores[0]] * 3, rel=1e-4)


def test_numbers_are_told_apart_by_their_squared_error(make_checkpoint) -> None:
    directory = make_checkpoint("bert", "SequenceClassification", tokenizer=True, num_labels=1)
    selection, teacher = by_teacher(directory)
    assert selection.name == "squared error"
    assert selection.score(teacher) == pytest.approx(0, abs=1e-9)


def test_labels_score_by_the_tasks_own_metric(make_checkpoint) -> None:
    directory = make_checkpoint("bert", "SequenceClassification", tokenizer=True)
    found, tokenizer = load_checkpoint(directory), load_tokenizer(directory)
    plain = Rows(PlainText(), Dataset.from_dict({"text": TEXTS}))
    (batch,) = batches(plain, tokenizer, batch_size=6, max_length=20)
    with torch.no_grad():
        answers = found.model(**batch.inputs).logits.argmax(dim=-1).tolist()
    labels = dict(zip(batch.rows, answers, strict=True))
    wrong = {0: (labels[0] + 1) % 3}
    table = {"text": TEXTS, "label": [(labels | wrong)[row] for row in range(6)]}
    rows = Rows(TextClassification(), Dataset.from_dict(table))
    made = batches(rows, tokenizer, batch_size=2, max_length=20)
    selection = ByLabels(rows, made, found.facts)
    assert selection.score(found.model) == pytest.approx(5 / 6)
    assert selection.name == "accuracy"
    assert selection.prefers(0.9, to=0.8)
    assert not selection.prefers(0.8, to=0.8)


@dataclass(frozen=True)
class _ErrorFirst(TextRegression):
    """A task whose main metric is better where it is lower."""

    def score(self, table: Dataset, answers: Answers) -> tuple[Score, ...]:
        truth: FloatArray = np.asarray(table[LABEL][:], dtype=np.float64)
        predictions = np.asarray([answer for (answer,) in answers], dtype=np.float64)
        return mean_squared_error(truth, predictions), spearman(truth, predictions)


def test_where_lower_is_better_the_lower_score_is_preferred(make_checkpoint) -> None:
    directory = make_checkpoint("bert", "SequenceClassification", tokenizer=True, num_labels=1)
    found, tokenizer = load_checkpoint(directory), load_tokenizer(directory)
    plain = Rows(PlainText(), Dataset.from_dict({"text": TEXTS}))
    (batch,) = batches(plain, tokenizer, batch_size=6, max_length=20)
    with torch.no_grad():
        outputs = found.model(**batch.inputs).logits[:, 0].tolist()
    labels = dict(zip(batch.rows, outputs, strict=True))
    table = {"text": TEXTS, "label": [labels[row] for row in range(6)]}
    rows = Rows(_ErrorFirst(on_scale=True), Dataset.from_dict(table))
    selection = ByLabels(rows, batches(rows, tokenizer, batch_size=2, max_length=20), found.facts)

    perfect, other = selection.score(found.model), selection.score(with_noise(found.model, 0.05))

    assert (selection.name, selection.higher_is_better) == ("mse", False)
    assert perfect == pytest.approx(0, abs=1e-9)
    assert other > perfect
    assert selection.prefers(perfect, to=other)
    assert not selection.prefers(other, to=perfect)
