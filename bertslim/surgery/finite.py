"""Refuses models that put out numbers nothing can be worked out from."""

from __future__ import annotations

from torch import Tensor
from transformers import PreTrainedModel

from bertslim.errors import ModelError


def require_finite(values: Tensor, layer: int, model: PreTrainedModel) -> Tensor:
    """Return what was worked out for a layer of the base, if it is all finite.

    Raises:
        ModelError: It is not.
    """
    if not values.isfinite().all():
        raise not_finite(layer, where=model.config.name_or_path or None)
    return values


def not_finite(layer: int, *, where: str | None = None) -> ModelError:
    """Return the error of a layer whose activations nothing can be worked out from."""
    return ModelError(
        f"layer {layer} puts out numbers that are not finite",
        where=where,
        remedy="the weights are damaged, or too large for their type",
    )
