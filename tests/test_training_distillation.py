"""The losses of distillation against their formulas, and on every kind of model."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from bertslim.data.embedder import Embedder
from bertslim.data.outputs import Decisions
from bertslim.data.pooling import Pooling
from bertslim.data.task import Batch
from bertslim.model.layer import layer_stack, model_layers
from bertslim.recipe.schema import Distill
from bertslim.training.distillation import (
    Distillation,
    Teacher,
    decisions_loss,
    states_loss,
)
from support.checkpoints import checkpoint_of
from support.families import each_layered_family, every_head_of, final_norm
from support.noisy_model import with_noise

HEADS = (
    "",
    "SequenceClassification",
    "TokenClassification",
    "QuestionAnswering",
    "MaskedLM",
    "MultipleChoice",
)


def some_batch(**targets: Tensor) -> Batch:
    draw = torch.Generator().manual_seed(5)
    ids = torch.randint(5, 99, (3, 8), generator=draw)
    mask = torch.ones_like(ids)
    mask[1, 5:] = 0
    return Batch({"input_ids": ids, "attention_mask": mask}, (0, 1, 2), targets)


def teacher_of(model: Any, **pooling: Any) -> Teacher:
    checkpoint = checkpoint_of(model, embedder=Embedder(Pooling(**pooling)))
    return Teacher(checkpoint, range(len(checkpoint.facts.layers)))


def loss_of(teacher: Teacher, student: Any, batch: Batch, weights: Distill) -> Tensor:
    distillation = Distillation(teacher, weights)
    layers = [layer.module for layer in model_layers(student)]
    asked = distillation.run_teacher(batch)
    said = distillation.run_student(student, layers, batch, labels=bool(weights.labels))
    return distillation.loss(asked, said, batch)


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("temperature", [1.0, 2.0, 5.0])
def test_answers_are_compared_by_decisions_then_by_sequences(temperature: float) -> None:
    draw = np.random.default_rng(0)
    one, other = draw.normal(size=(2, 5, 4))
    owner = [0, 0, 0, 1, 2]  # the fourth sequence has no decision
    sums = np.zeros(4)
    for row in range(5):
        p, q = softmax(one[row] / temperature), softmax(other[row] / temperature)
        sums[owner[row]] += np.sum(p * np.log(p / q)) / owner.count(owner[row])
    expected = temperature**2 * sums.mean()
    found = decisions_loss(
        Decisions(torch.tensor(one), torch.tensor(owner)),
        Decisions(torch.tensor(other), torch.tensor(owner)),
        4,
        temperature,
    )
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_states_are_compared_as_a_share_of_the_teachers_variance() -> None:
    draw = np.random.default_rng(1)
    before, after = draw.normal(size=(2, 2, 3, 4)) + 2
    mask = np.array([[1, 1, 0], [1, 1, 1]])
    share = ((after - before) ** 2).mean(axis=-1) / before.var(axis=-1)
    expected = np.mean([share[0, :2].mean(), share[1].mean()])
    found = states_loss(*(torch.tensor(one) for one in (before, after, mask)))
    assert float(found) == pytest.approx(expected, rel=1e-5)


@every_head_of(*HEADS)
def test_a_model_has_nothing_to_learn_from_itself_and_something_from_another(
    model_type: str, head: str, tiny_model
) -> None:
    model = tiny_model(model_type, head)
    teacher, batch = teacher_of(model), some_batch()
    weights = Distill(logits=1, hidden=1)
    assert loss_of(teacher, model, batch, weights).item() == pytest.approx(0, abs=1e-5)
    student = with_noise(model, 0.02)
    for one in (Distill(hidden=0), Distill(logits=0), weights):
        loss = loss_of(teacher, student, batch, one)
        assert loss.item() > 1e-5
        student.zero_grad()
        loss.backward()
        gradients = [p.grad for p in layer_stack(student).parameters()]
        assert all(g is None or bool(g.isfinite().all()) for g in gradients)
        assert any(g is not None and float(g.abs().sum()) > 0 for g in gradients)
    assert not any(p.grad is not None for p in model.parameters())


@each_layered_family
def test_the_states_are_those_behind_the_layers(model_type: str, tiny_model) -> None:
    model, batch = tiny_model(model_type), some_batch()
    distillation = Distillation(teacher_of(model), Distill())
    said = distillation.run_teacher(batch)
    assert len(said.states) == 4
    last = final_norm(model)(said.states[-1])
    torch.testing.assert_close(last, said.outputs.last_hidden_state)
    shallow = Distillation(Teacher(checkpoint_of(model), [1, 3]), Distill()).run_teacher(batch)
    for one, number in zip(shallow.states, (1, 3), strict=True):
        torch.testing.assert_close(one, said.states[number])


def test_padding_counts_for_nothing(tiny_model) -> None:
    model = tiny_model("bert", "TokenClassification")
    teacher, student, batch = teacher_of(model), with_noise(model, 0.02), some_batch()
    more = {
        name: torch.cat([values, torch.zeros(3, 4, dtype=values.dtype)], dim=1)
        for name, values in batch.inputs.items()
    }
    one, other = (
        loss_of(teacher, student, each, Distill()) for each in (batch, Batch(more, batch.rows))
    )
    torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_the_loss_of_a_batch_is_the_mean_over_its_parts(tiny_model) -> None:
    model = tiny_model("bert", "TokenClassification")
    teacher, student, batch = teacher_of(model), with_noise(model, 0.02), some_batch()
    whole = loss_of(teacher, student, batch, Distill())
    parts = [loss_of(teacher, student, batch.part(slice(n, n + 1)), Distill()) for n in range(3)]
    torch.testing.assert_close(whole, torch.stack(parts).mean(), rtol=1e-5, atol=1e-6)


def test_numbers_and_embeddings_are_compared_as_such(tiny_model) -> None:
    batch, weights = some_batch(), Distill(hidden=0)
    reranker = tiny_model("bert", "SequenceClassification", num_labels=1)
    student = with_noise(reranker, 0.02)
    with torch.no_grad():
        expected = (reranker(**batch.inputs).logits - student(**batch.inputs).logits).square()
    found = loss_of(teacher_of(reranker), student, batch, weights)
    torch.testing.assert_close(found, expected.mean())

    encoder = tiny_model("bert")
    student = with_noise(encoder, 0.02)
    with torch.no_grad():
        first, second = (one(**batch.inputs).last_hidden_state[:, 0] for one in (encoder, student))
        expected = 1 - torch.nn.functional.cosine_similarity(first, second, dim=-1)
    found = loss_of(teacher_of(encoder, modes=("cls",)), student, batch, weights)
    torch.testing.assert_close(found, expected.mean(), rtol=1e-4, atol=1e-6)


def test_words_are_compared_where_they_are_to_be_restored(tiny_model) -> None:
    model = tiny_model("bert", "MaskedLM")
    student = with_noise(model, 0.02)
    labels = torch.full((3, 8), -100)
    labels[0, 2] = labels[2, 5] = 7
    batch = some_batch(labels=labels)
    with torch.no_grad():
        before, after = (
            one(**batch.inputs).logits[[0, 2], [2, 5]].softmax(dim=-1) for one in (model, student)
        )
    each = (before * (before / after).log()).sum(dim=-1)
    weights = Distill(hidden=0, temperature=1)
    found = loss_of(teacher_of(model), student, batch, weights)
    torch.testing.assert_close(found, each.sum() / 3, rtol=1e-4, atol=1e-6)


def test_labels_count_as_much_as_asked(tiny_model) -> None:
    model = tiny_model("bert", "SequenceClassification")
    student, batch = with_noise(model, 0.02), some_batch(labels=torch.tensor([0, 2, 1]))
    with torch.no_grad():
        expected = 3 * student(**batch.inputs, **batch.targets).loss
    found = loss_of(teacher_of(model), student, batch, Distill(logits=0, hidden=0, labels=3))
    torch.testing.assert_close(found, expected)


def test_word_embeddings_that_are_the_teachers_are_not_trained(tiny_model) -> None:
    model = tiny_model("bert", "SequenceClassification")
    distillation = Distillation(teacher_of(model), Distill())
    for student, trained in ((copy.deepcopy(model), False), (with_noise(model, 0.02), True)):
        distillation.keep_shared_embeddings(student)
        assert student.get_input_embeddings().weight.requires_grad is trained
        others = [
            weights.requires_grad
            for name, weights in student.named_parameters()
            if "word_embeddings" not in name
        ]
        assert all(others)


def test_word_embeddings_of_another_vocabulary_are_trained(tiny_model) -> None:
    model = tiny_model("bert")
    student = copy.deepcopy(model)
    student.resize_token_embeddings(model.config.vocab_size - 1)
    Distillation(teacher_of(model), Distill()).keep_shared_embeddings(student)
    assert student.get_input_embeddings().weight.requires_grad
