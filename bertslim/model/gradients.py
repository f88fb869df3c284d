"""Which parameters of a model gradients are worked out for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from transformers import PreTrainedModel


@contextmanager
def without_parameter_gradients(model: PreTrainedModel) -> Iterator[None]:
    """Work out no gradient for any parameter while the block runs."""
    wanted = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for parameter in wanted:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in wanted:
            parameter.requires_grad_()
