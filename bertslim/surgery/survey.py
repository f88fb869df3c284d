"""What a cut has to know of the base on texts, found in one pass over them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from bertslim.data.outputs import model_inputs, pieces
from bertslim.data.task import Batch
from bertslim.model.checkpoint import Checkpoint
from bertslim.model.gradients import without_parameter_gradients
from bertslim.progress import Progress
from bertslim.recipe.plan import CutPlan
from bertslim.records import Block
from bertslim.surgery.criteria import Ranking
from bertslim.surgery.finite import require_finite
from bertslim.surgery.observer import Observer
from bertslim.surgery.output_projection import project_outputs

GRADIENT_TEXTS = 340  # at least, which second moments of gradients are taken from
_GRADIENT_STRIDE = 3  # where there are more, one batch in three
_TOKENS_AT_ONCE = 1024  # to differentiate: all that the layers put out is kept for it
_SEEDS = 1 << 63  # as many as a generator takes


@dataclass(frozen=True)
class Survey:
    """What a survey measures.

    Attributes:
        scores: A score for each of the base's neurons, (intermediate_size,), or heads, (heads,), by
            what is ranked; higher for those to keep, in float64.
        token_weights: For each batch, how much the base's outputs depend on each token: the squared
            norm of the gradient with respect to the inputs of a layer's two LayerNorms, that of the
            attention block first; float32, (layers, 2, sequences, length), 0 at padding. None
            unless asked for.
        gradient_moments: The second moments of the outputs' gradient with respect to the same two
            sums of each layer, added up over tokens, in float64, (layers, 2, hidden_size,
            hidden_size). None unless asked for.
    """

    scores: Mapping[Ranking, Tensor] = field(default_factory=dict)
    token_weights: Sequence[Tensor] | None = None
    gradient_moments: Tensor | None = None


def survey(
    checkpoint: Checkpoint,
    batches: Sequence[Batch],
    plan: CutPlan,
    *,
    seed: int,
    progress: Progress,
    token_weights: bool = False,
    gradient_moments: bool = False,
) -> Survey:
    """Run the base over the batches, once at most, and find what the recipe's steps need.

    Where nothing else needs gradients than their second moments, not all texts are differentiated:
    about a third are, of all lengths, and GRADIENT_TEXTS at least. A criterion that goes by these
    moments looks at no other texts.

    Args:
        checkpoint: The base, in eval mode; left as it is.
        batches: Texts.
        plan: The recipe, worked out for the base; its operations need what is measured.
        seed: Settles what is drawn at random, together with the number of the batch.
        progress: Where to show how far it is.
        token_weights: Whether they are needed.
        gradient_moments: The same.

    Raises:
        ModelError: A layer puts out what is no number, or too large.
    """
    kept = measured_rankings(plan)
    observer = Observer(
        checkpoint, kept, token_weights=token_weights, gradient_moments=gradient_moments
    )
    model = checkpoint.model
    if observer.idle:
        return Survey()
    weights_by_batch: list[Tensor] = []
    runs = list(_runs(batches, observer))
    shown = progress.track(runs, "surveying the base", total=len(runs), unit="batch")
    with without_parameter_gradients(model):
        for run in shown:
            draw = torch.Generator().manual_seed((seed * len(batches) + run.number) % _SEEDS)
            weights = _survey_batch(checkpoint, run, observer, draw)
            if token_weights:
                weights_by_batch.append(weights)
                for layer, values in enumerate(weights):
                    require_finite(values, layer, model)
    ranked = progress.track(observer.scores(), "ranking", total=len(kept), unit="block")
    scores = {each: require_finite(values, each.layer, model) for each, values in ranked}
    moments = observer.gradient_moments if gradient_moments else None
    if moments is not None:
        for layer, values in enumerate(moments):
            require_finite(values, layer, model)
    return Survey(scores, weights_by_batch if token_weights else None, moments)


def measured_rankings(plan: CutPlan) -> dict[Ranking, int]:
    """Return what must be ranked by measured scores, and the fewest units that a step keeps."""
    current: dict[tuple[Block, int], int] = {}
    for row in plan.record.layers:
        current["attention", row.layer] = row.before.heads
        current["ffn", row.layer] = row.before.intermediate_size
    rankings: dict[Ranking, int] = {}
    for step in plan.steps:
        block, criterion = step.operation.narrowed_block, step.operation.measured_criterion
        if block is None:
            continue
        for number in step.layers:
            before = current[block, number]
            after = current[block, number] = step.operation.kept(before)
            if criterion is not None and after < before:
                rankings[Ranking(criterion, block, number)] = after
    return rankings


@dataclass(frozen=True)
class _Run:
    """A run of the base.

    Attributes:
        number: Of the batch, among all.
        batch: The texts.
        differentiated: Whether the outputs are differentiated.
    """

    number: int
    batch: Batch
    differentiated: bool


def _runs(batches: Sequence[Batch], observer: Observer) -> Iterator[_Run]:
    """Choose the batches that the base is run on, and of these the ones to differentiate."""
    every = range(len(batches))
    differentiated = range(0)
    if observer.needs_every_gradient:
        differentiated = every
    elif observer.needs_gradients:
        differentiated = _spread(batches)
    for number in every if observer.needs_outputs else differentiated:
        yield _Run(number, batches[number], number in differentiated)


def _spread(batches: Sequence[Batch]) -> range:
    """Return the numbers of evenly spread batches, whose gradients stand for all."""
    texts = sum(len(batch.rows) for batch in batches)
    stride = min(_GRADIENT_STRIDE, max(1, texts // GRADIENT_TEXTS))
    return range(stride // 2, len(batches), stride)


def _survey_batch(
    checkpoint: Checkpoint, run: _Run, observer: Observer, draw: torch.Generator
) -> Tensor:
    """Run one batch where the model is; return the weights of its tokens on the CPU.

    They are (layers, 2, sequences, length).
    """
    weights_of_pieces = []
    for piece in _pieces(run, checkpoint):
        inputs = model_inputs(piece, checkpoint.facts.head)
        mask = inputs["attention_mask"].flatten(0, -2)
        with (
            torch.set_grad_enabled(run.differentiated),
            observer.watching(mask, differentiated=run.differentiated) as weights,
        ):
            outputs = checkpoint.model(**inputs)
            if run.differentiated:
                projection = project_outputs(checkpoint, outputs, piece, draw=draw)
                projection.backward()  # type: ignore[no-untyped-call]
        choices = len(mask) // len(piece.rows)  # of which the first is the text as it is
        weights_of_pieces.append(weights[:, :, ::choices])
    return torch.cat(weights_of_pieces, dim=2).cpu()


def _pieces(run: _Run, checkpoint: Checkpoint) -> Iterator[Batch]:
    """Split a batch that would take too much memory, where the model is."""
    batch = run.batch.to(checkpoint.model.device)
    length = batch.inputs["attention_mask"].shape[-1]
    at_once = max(1, _TOKENS_AT_ONCE // length) if run.differentiated else len(batch.rows)
    for start in range(0, len(batch.rows), at_once):
        yield from pieces(batch.part(slice(start, start + at_once)), checkpoint.facts)
