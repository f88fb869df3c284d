"""Which module reads the sum of a block and the residual, in families of either order of norms."""

from __future__ import annotations

from typing import Any

from torch import nn

from bertslim.model.families import FAMILIES, SLIM_PREFIX
from bertslim.model.slim_modeling import layers_of


def reader_of_sum(model: Any, number: int, block: str = "ffn") -> nn.Module:
    """Return the module whose input is that sum: a norm, or the next layer.

    Args:
        model: Stock or slim, with a head or without.
        number: Of the layer in the model.
        block: "attention" or "ffn".
    """
    family = FAMILIES[model.config.model_type.removeprefix(SLIM_PREFIX)]
    layers = layers_of(model, family)
    layout = family.layout
    name = getattr(layout, block).norm_after
    if name is None and block == "attention":
        name = layout.ffn.norm_before
    if name is not None:
        return layers[number].get_submodule(name)
    if number + 1 < len(layers):
        return layers[number + 1]
    final = next(norm.module for norm in family.shared_norms if norm.is_final)
    found: nn.Module = model.base_model.get_submodule(final)
    return found
