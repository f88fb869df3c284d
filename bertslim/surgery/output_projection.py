"""One number drawn from a model's outputs whose gradient shows what the outputs depend on."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bertslim.data.outputs import decisions
from bertslim.data.task import Batch
from bertslim.model.checkpoint import Checkpoint

_TEMPERATURE = 2.0  # a base that is sure of every answer would else have next to no gradient


def project_outputs(
    checkpoint: Checkpoint, outputs: Any, batch: Batch, *, draw: torch.Generator
) -> Tensor:
    """Return a random projection whose squared gradient is, on average, the Fisher information.

    Over the logits z of each decision, with p = softmax(z / 2) and random signs e, it is v . z with
    v = sqrt(p) e - p (sqrt(p) . e), so that E[v v^T] = diag(p) - p p^T: that of labels which are
    sampled from the base's own predictions, with less variance than by sampling them. A sequence
    with several decisions counts as their mean, as it does in `fidelity.kl`. Regressors, and bare
    encoders by their embedding of length 1, are projected on the signs alone.

    Args:
        checkpoint: The base.
        outputs: What it put out, with gradients.
        batch: The sequences that it was run on.
        draw: What the signs are drawn from.
    """
    if checkpoint.facts.head == "":
        pooled = checkpoint.embedder(outputs.last_hidden_state, batch.inputs["attention_mask"])
        embeddings = torch.nn.functional.normalize(pooled, dim=-1)
        return (_signs(embeddings, draw) * embeddings).sum()
    if checkpoint.is_regression:
        numbers: Tensor = outputs.logits
        return (_signs(numbers, draw) * numbers).sum()
    made = decisions(outputs, batch, checkpoint.facts.head, several=checkpoint.is_multi_label)
    projected = (fisher_direction(made.logits.detach(), draw) * made.logits).sum(dim=-1)
    return (projected / made.owner.bincount()[made.owner].sqrt()).sum()


def fisher_direction(logits: Tensor, draw: torch.Generator) -> Tensor:
    """Return v of each row of logits (decisions, classes), of the same shape."""
    root = (logits / _TEMPERATURE).softmax(dim=-1).sqrt()
    signs = _signs(logits, draw)
    return root * (signs - root * (root * signs).sum(dim=-1, keepdim=True))


def _signs(like: Tensor, draw: torch.Generator) -> Tensor:
    bits = torch.randint(2, like.shape, generator=draw)
    return (2 * bits - 1).to(like)
