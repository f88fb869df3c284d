"""Refuses models that put out numbers nothing can be worked out from."""

from __future__ import annotations

from torch import Tensor
from transformers import PreTrainedModel

from bertslim.model.finite_outputs import not_finite


def require_finite(values: Tensor, layer: int, model: PreTrainedModel) -> Tensor:
    """Return what was worked out for a layer of the base, if it is all finite.

    Raises:
        ModelError: It is not.
    """
    if not values.isfinite().all():
        raise not_finite(layer, where=model.config.name_or_path or None)
    return values
