"""A model of the same shape with slightly other weights."""

from __future__ import annotations

import copy
from typing import Any

import torch


def with_noise(model: Any, scale: float, *, draw: torch.Generator | None = None) -> Any:
    """Return a copy with normal noise of this scale on every parameter."""
    other = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(scale * torch.randn(parameter.shape, generator=draw))
    return other
