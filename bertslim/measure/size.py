"""Parameters, multiply-accumulates and bytes on disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from transformers import PreTrainedModel

from bertslim.model.checkpoint import Checkpoint
from bertslim.model.families import FAMILIES
from bertslim.model.quiet import quiet_libraries
from bertslim.model.slim_modeling import layers_of
from bertslim.records import Measurement, Sizes, compare


def measure_sizes(base: Checkpoint, slim: Checkpoint, *, length: int) -> tuple[Measurement, ...]:
    """Compare parameters, MACs at batch 1 and `length` tokens, and bytes of weights on disk."""
    before, after = count_sizes(base, length=length), count_sizes(slim, length=length)
    return (
        compare("parameters", "parameters", before.parameters, after.parameters),
        compare("parameters.encoder", "parameters", before.encoder, after.encoder),
        compare("parameters.embeddings", "parameters", before.embeddings, after.embeddings),
        compare("macs", "MACs", before.macs, after.macs, batch=1, length=length),
        compare("bytes", "bytes", base.weights.size, slim.weights.size),
    )


def count_sizes(checkpoint: Checkpoint, *, length: int) -> Sizes:
    """Count what a loaded model really holds and computes."""
    model = checkpoint.model
    family = FAMILIES[checkpoint.facts.model_type]
    encoder = model.base_model.get_submodule(family.layers.rpartition(".")[0])
    return Sizes(
        parameters=count_parameters(model),
        encoder=count_parameters(encoder),
        embeddings=count_parameters(model.base_model.get_submodule("embeddings")),
        macs=count_macs(checkpoint, length=length),
    )


def count_layer_parameters(checkpoint: Checkpoint) -> tuple[int, ...]:
    """Count the parameters of each layer."""
    layers = layers_of(checkpoint.model, FAMILIES[checkpoint.facts.model_type])
    return tuple(count_parameters(layer) for layer in layers)


def count_parameters(module: nn.Module) -> int:
    """Count parameters, tied ones once."""
    return sum(parameter.numel() for parameter in module.parameters())


def count_macs(checkpoint: Checkpoint, *, length: int) -> int:
    """Count the multiply-accumulates of one forward pass at batch 1.

    The pass uses eager attention, since PyTorch's counter does not see the fused one on a CPU.
    Embedding look-ups are not counted.
    """
    model = checkpoint.model
    counter = FlopCounterMode(display=False)
    with _eager_attention(model), torch.inference_mode(), counter:
        model(**_one_sequence(length, checkpoint.facts.head))
    flops: int = counter.get_total_flops()
    return flops // 2


@contextmanager
def _eager_attention(model: PreTrainedModel) -> Iterator[None]:
    usual = model.config._attn_implementation
    with quiet_libraries():
        model.set_attn_implementation("eager")
        try:
            yield
        finally:
            model.set_attn_implementation(usual)


def _one_sequence(length: int, head: str) -> dict[str, Tensor]:
    shape = (1, 1, length) if head == "MultipleChoice" else (1, length)
    ids = torch.full(shape, fill_value=3)
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
