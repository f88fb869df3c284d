"""Parity finds out what an export leaves out, such as where the tokens stand."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bertslim.errors import BertslimError
from bertslim.export.parity import check_parity, parity_inputs
from bertslim.model.checkpoint import Checkpoint, sharing_copy
from bertslim.model.families import FAMILIES
from bertslim.model.layer import AttentionBlock, model_layers
from support.checkpoints import checkpoint_of

ROTARY_OR_RELATIVE = [
    name
    for name, family in FAMILIES.items()
    if family.heads_share_bias
    or not (family.layout.attention.fuses or family.layout.attention.adds_residual)
]


class PlacelessAttention(nn.Module):
    """softmax(q k / sqrt(channels)) v: what is left where rotary or relative positions are not."""

    def __init__(self, block: AttentionBlock) -> None:
        super().__init__()
        self.maps = nn.ModuleList(block.parted_inputs())
        own = block.layout.output.startswith(f"{block.layout.modules[0]}.")
        self.out = block.output if own else nn.Identity()
        self.channels = block.head_size

    def forward(
        self, hidden_states: Tensor, attention_mask: Tensor | None = None, *_: Any, **__: Any
    ) -> tuple[Tensor, None]:
        query, key, value = (
            states.unflatten(-1, (-1, self.channels)).transpose(1, 2)
            for states in (each(hidden_states) for each in self.maps)
        )
        key, value = (
            states.repeat_interleave(query.shape[1] // states.shape[1], dim=1)
            for states in (key, value)
        )
        scores = query @ key.transpose(-1, -2) / math.sqrt(self.channels)
        if attention_mask is not None:
            scores = scores + _as_summand(attention_mask, scores.dtype)
        context = scores.softmax(dim=-1) @ value
        return self.out(context.transpose(1, 2).flatten(2)), None


def _as_summand(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """Return what is added to scores: nothing where there is a token, else the lowest number."""
    if mask.is_floating_point():
        return mask
    return torch.zeros(mask.shape, dtype=dtype).masked_fill(~mask.bool(), torch.finfo(dtype).min)


class Placeless:
    """A model as an export makes it that knows of no rotary or relative positions."""

    runtime = "ONNX Runtime"
    attention = "eager"

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.model = sharing_copy(checkpoint.model)
        self.model.set_attn_implementation("eager")
        for layer in model_layers(self.model):
            layer.attention.set_module(PlacelessAttention(layer.attention))

    @torch.inference_mode()
    def __call__(self, **tensors: Tensor) -> SimpleNamespace:
        return SimpleNamespace(**self.model(**tensors))


@pytest.mark.parametrize("head", ["", "SequenceClassification"])
@pytest.mark.parametrize("model_type", ROTARY_OR_RELATIVE)
def test_an_export_without_the_positions_in_its_attention_is_found_out(
    tiny_model, model_type: str, head: str
) -> None:
    checkpoint = checkpoint_of(tiny_model(model_type, head))
    placeless = Placeless(checkpoint)
    one_token = parity_inputs(checkpoint)[0].tensors
    checkpoint.model.set_attn_implementation("eager")
    with torch.inference_mode():
        expected = checkpoint.model(**one_token)[0]
    answer = next(iter(vars(placeless(**one_token)).values()))
    torch.testing.assert_close(answer, expected, msg="one token stands nowhere else")
    with pytest.raises(BertslimError, match="does not answer as PyTorch does"):
        check_parity(checkpoint, placeless)


def test_the_same_attention_passes_where_positions_are_added_to_the_embeddings(tiny_model) -> None:
    checkpoint = checkpoint_of(tiny_model("bert"))

    check_parity(checkpoint, Placeless(checkpoint))
