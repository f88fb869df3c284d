"""Parameters, multiply-accumulates and bytes on disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from transformers import PreTrainedModel

from bertslim.model.gradients import without_parameter_gradients
from bertslim.model.layer import embeddings_module, encoder_modules, model_layers
from bertslim.quiet import quiet_transformers
from bertslim.records import Measurement, Plan, compare


@dataclass(frozen=True)
class ParameterCounts:
    """Parameters of a model and of its parts, tied ones counted once.

    Attributes:
        total: All of them.
        encoder: Of the transformer layers and what they share.
        embeddings: Of the embeddings.
        layers: Of each layer; what it shares with a lower one counts there.
    """

    total: int
    encoder: int
    embeddings: int
    layers: tuple[int, ...]


def count_parameters(model: PreTrainedModel) -> ParameterCounts:
    """Count what a model really holds."""
    return ParameterCounts(
        total=_count(model),
        encoder=sum(map(_count, encoder_modules(model))),
        embeddings=_count(embeddings_module(model)),
        layers=_count_each(layer.module for layer in model_layers(model)),
    )


def compare_parameters(
    base: ParameterCounts, slim: ParameterCounts, plan: Plan
) -> tuple[Measurement, ...]:
    """Compare the counts, also layer by layer; a layer that is gone counts 0."""
    whole = (
        compare("parameters", base.total, slim.total),
        compare("parameters.encoder", base.encoder, slim.encoder),
        compare("parameters.embeddings", base.embeddings, slim.embeddings),
    )
    layers = (
        compare(
            "parameters.layer",
            base.layers[row.layer],
            0 if row.slim_layer is None else slim.layers[row.slim_layer],
            layer=row.layer,
        )
        for row in plan.layers
    )
    return (*whole, *layers)


def count_macs(model: PreTrainedModel, head: str, *, length: int) -> int:
    """Count the multiply-accumulates of one forward pass at batch 1.

    The pass uses eager attention, since PyTorch's counter does not see the fused one on a CPU.
    Embedding look-ups are not counted.

    Args:
        model: In eval mode.
        head: What stands on the encoder, as in ModelFacts.
        length: Tokens.
    """
    counter = FlopCounterMode(display=False)
    # the counter fails on a parameter that is handed from module to module
    no_gradients = without_parameter_gradients(model)
    with _eager_attention(model), no_gradients, torch.inference_mode(), counter:
        model(**_one_sequence(length, head))
    flops: int = counter.get_total_flops()
    return flops // 2


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _count_each(modules: Iterable[nn.Module]) -> tuple[int, ...]:
    """Count the parameters of each module that no module before it has."""
    counts, seen = [], set[nn.Parameter]()
    for module in modules:
        own = set(module.parameters()) - seen
        counts.append(sum(parameter.numel() for parameter in own))
        seen |= own
    return tuple(counts)


@contextmanager
def _eager_attention(model: PreTrainedModel) -> Iterator[None]:
    usual = model.config._attn_implementation
    with quiet_transformers():
        model.set_attn_implementation("eager")
        try:
            yield
        finally:
            model.set_attn_implementation(usual)


def _one_sequence(length: int, head: str) -> dict[str, Tensor]:
    shape = (1, 1, length) if head == "MultipleChoice" else (1, length)
    ids = torch.full(shape, fill_value=3)
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
