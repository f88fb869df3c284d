"""The random projection: its second moment is the Fisher information, for every head."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from bertslim.data.embedder import Embedder
from bertslim.data.outputs import model_inputs
from bertslim.data.pooling import Pooling
from bertslim.data.task import Batch
from bertslim.model.families import FAMILIES
from bertslim.model.heads import heads_of
from bertslim.surgery.output_projection import fisher_direction, project_outputs
from support.checkpoints import checkpoint_of


def test_the_second_moment_is_the_fisher_information() -> None:
    logits = torch.tensor([[2.0, -1.0, 0.5, -9.0]], dtype=torch.float64)
    draw = torch.Generator().manual_seed(0)
    drawn = fisher_direction(logits.expand(200_000, -1), draw)
    p = (logits[0] / 2).softmax(dim=0)
    fisher = torch.diag(p) - torch.outer(p, p)
    torch.testing.assert_close(drawn.T @ drawn / len(drawn), fisher, atol=2e-3, rtol=0)
    torch.testing.assert_close(drawn.sum(dim=1), torch.zeros(len(drawn)).double())


class Projected:
    """A model's outputs to a batch, and gradients of projections with respect to them."""

    def __init__(self, model: Any, batch: Batch, embedder: Embedder | None = None) -> None:
        self.checkpoint, self.batch = checkpoint_of(model, embedder=embedder), batch
        with torch.no_grad():
            self.outputs = model(**model_inputs(batch, self.checkpoint.facts.head))

    def gradients(self, draw: torch.Generator) -> dict[str, Tensor]:
        for name, values in self.outputs.items():
            if isinstance(values, Tensor) and values.is_floating_point():
                self.outputs[name] = values.detach().requires_grad_()
        project_outputs(self.checkpoint, self.outputs, self.batch, draw=draw).backward()
        grads = {name: getattr(values, "grad", None) for name, values in self.outputs.items()}
        return {name: values for name, values in grads.items() if values is not None}

    def mean_square(self, name: str, times: int = 3000) -> Tensor:
        draw = torch.Generator().manual_seed(1)
        squares = (self.gradients(draw)[name].double().square() for _ in range(times))
        return sum(squares, torch.zeros(())) / times


@pytest.fixture
def batch(example_inputs) -> Batch:
    return Batch(inputs=example_inputs(), rows=(0, 1, 2))


def test_a_token_classifier_counts_real_tokens_by_their_sequence(tiny_model, batch) -> None:
    model = tiny_model("bert", "TokenClassification", num_hidden_layers=1)
    found = Projected(model, batch).mean_square("logits")
    mask = batch.inputs["attention_mask"]
    p = (model(**batch.inputs).logits.double() / 2).softmax(dim=-1)
    expected = p * (1 - p) * (mask / mask.sum(dim=1, keepdim=True)).unsqueeze(-1)
    torch.testing.assert_close(found, expected.detach(), atol=1e-3, rtol=0.15)
    assert found[mask == 0].abs().max() == 0


def test_several_labels_are_a_yes_or_no_each(tiny_model, batch) -> None:
    model = tiny_model(
        "bert",
        "SequenceClassification",
        num_hidden_layers=1,
        problem_type="multi_label_classification",
    )
    found = Projected(model, batch).mean_square("logits")
    p = (model(**batch.inputs).logits.double() / 2).sigmoid()
    torch.testing.assert_close(found, (p * (1 - p) / 3).detach(), atol=1e-3, rtol=0.15)


def test_answers_never_start_at_padding(tiny_model, batch) -> None:
    model = tiny_model("bert", "QuestionAnswering", num_hidden_layers=1)
    found = Projected(model, batch).mean_square("end_logits")
    mask = batch.inputs["attention_mask"]
    logits = model(**batch.inputs).end_logits.double().masked_fill(mask == 0, -torch.inf)
    p = (logits / 2).softmax(dim=-1)
    torch.testing.assert_close(found, (p * (1 - p) / 2).detach(), atol=1e-3, rtol=0.15)


def test_a_regressor_is_projected_on_signs(tiny_model, batch) -> None:
    model = tiny_model("bert", "SequenceClassification", num_labels=1)
    found = Projected(model, batch).gradients(torch.Generator())
    assert found["logits"].abs().tolist() == [[1.0]] * 3


def test_an_embedding_does_not_mind_its_length(tiny_model, batch) -> None:
    encoder = tiny_model("bert")
    found = Projected(encoder, batch).gradients(torch.Generator())["last_hidden_state"]
    mask = batch.inputs["attention_mask"]
    hidden = encoder(**batch.inputs).last_hidden_state
    along = (found * hidden * mask.unsqueeze(-1)).sum(dim=(1, 2))
    torch.testing.assert_close(along, torch.zeros(3), atol=1e-5, rtol=0)
    assert found[mask == 0].abs().max() == 0
    first = Projected(encoder, batch, Embedder(Pooling(("cls",))))
    by_first = first.gradients(torch.Generator())["last_hidden_state"]
    assert by_first[:, 1:].abs().max() == 0


@pytest.mark.parametrize(
    ("model_type", "head"),
    [(name, head) for name, family in FAMILIES.items() for head in heads_of(family)],
)
def test_every_head_has_one(model_type: str, head: str, tiny_model, batch) -> None:
    found = Projected(tiny_model(model_type, head), batch).gradients(torch.Generator())
    assert found
    assert all(values.isfinite().all() and values.abs().max() > 0 for values in found.values())
