"""How much each FFN block matters: what a model's answers lose without it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from bertslim.data.batches import Batch
from bertslim.data.pooling import Pooling
from bertslim.measure.decisions import model_inputs, pieces
from bertslim.measure.predictions import compare_outputs
from bertslim.model.families import FAMILIES, Family
from bertslim.model.slim_modeling import layers_of
from bertslim.progress import Progress
from bertslim.records import ModelFacts
from bertslim.surgery.finite import require_finite


@torch.inference_mode()
def block_damage(
    model: PreTrainedModel,
    batches: Sequence[Batch],
    facts: ModelFacts,
    progress: Progress,
    *,
    pooling: Pooling | None = None,
) -> list[float]:
    """Measure what the base loses without each of its FFN blocks, one at a time.

    The layers below the missing block are not run again.

    Args:
        model: The base, in eval mode; left as it is.
        batches: Texts.
        facts: Its shape.
        progress: Where to show how far it is.
        pooling: How a bare encoder's hidden states become an embedding; None: by their mean.

    Returns:
        A figure a layer, averaged over the texts: KL(base || base without the block) in nats; for
        bare encoders 1 - the cosine of their embeddings, for regressors 1 - Pearson's r. Infinity
        for a layer that has no FFN block to lose.

    Raises:
        ModelError: The outputs are not finite.
    """
    family = FAMILIES[facts.model_type]
    blocks = [number for number, layer in enumerate(facts.layers) if layer.intermediate_size]
    found: dict[int, dict[str, list[Tensor]]] = defaultdict(lambda: defaultdict(list))
    shown = progress.track(batches, "weighing the layers", total=len(batches), unit="batch")
    for piece in (piece for batch in shown for piece in pieces(batch, facts)):
        inputs = model_inputs(piece, facts.head)
        with _recorded_states(layers_of(model, family)) as states:
            whole = model(**inputs)
        for number in blocks:
            with _without_block(model, family, number, states[number]):
                cut = model(**inputs)
            compared = compare_outputs(model, whole, cut, piece, facts, pooling or Pooling())
            for name, values in compared.items():
                found[number][name].append(values)
    damages = [math.inf] * len(facts.layers)
    for number in blocks:
        lost = _damage({name: torch.cat(values) for name, values in found[number].items()})
        damages[number] = float(require_finite(lost, number, model))
    return damages


def _damage(compared: Mapping[str, Tensor]) -> Tensor:
    """Turn fields of a `Comparison` into one number, larger for a worse likeness."""
    if "kl" in compared:
        return compared["kl"].mean()
    if "cosine" in compared:
        return 1 - compared["cosine"].mean()
    outputs = torch.stack([compared["base_outputs"].ravel(), compared["slim_outputs"].ravel()])
    centred = outputs - outputs.mean(dim=1, keepdim=True)
    return 1 - torch.nn.functional.cosine_similarity(centred[0], centred[1], dim=0)


@contextmanager
def _recorded_states(layers: nn.ModuleList) -> Iterator[list[Tensor]]:
    """Record the hidden states that go into each layer."""
    states: list[Tensor] = []
    handles = [
        layer.register_forward_pre_hook(lambda _, inputs: states.append(inputs[0]))
        for layer in layers
    ]
    try:
        yield states
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def _without_block(
    model: PreTrainedModel, family: Family, number: int, states: Tensor
) -> Iterator[None]:
    """Let the model start at a layer, from these hidden states, and leave out its FFN block."""
    layers = layers_of(model, family)
    first = layers[number]

    def say_zero(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        silent.remove()  # layers above may share the block, and keep it
        return torch.zeros_like(output)

    block = first.get_submodule(family.layout.ffn[-1])
    silent = block.register_forward_hook(say_zero)
    started = first.register_forward_pre_hook(lambda _, inputs: (states, *inputs[1:]))
    model.base_model.set_submodule(family.layers, layers[number:])
    try:
        yield
    finally:
        model.base_model.set_submodule(family.layers, layers)
        silent.remove()
        started.remove()
