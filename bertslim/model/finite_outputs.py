"""Refuses models that put out numbers nothing can be worked out from, by the name of the layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from bertslim.errors import ModelError
from bertslim.model.layer import embeddings_module, model_layers, watch_output

_REMEDY = "the weights are damaged, or too large for their type"


def is_finite(values: Tensor) -> bool:
    """Whether all values are finite numbers, without a copy of them."""
    if not values.is_floating_point() or values.numel() == 0:
        return True
    low, high = torch.aminmax(values)
    return bool(low.isfinite() and high.isfinite())


def require_finite_outputs(
    outputs: Any, model: Callable[..., Any], inputs: Mapping[str, Tensor], *, name: str
) -> None:
    """Check what a model put out.

    Args:
        outputs: Its outputs, by name or as attributes.
        model: The model, or what is called as it is.
        inputs: What it was run on.
        name: What the model is called in the error.

    Raises:
        ModelError: Not all are finite numbers; where it is a model of layers, the first layer that
            puts out others is named.
    """
    values = outputs.values() if isinstance(outputs, Mapping) else vars(outputs).values()
    if all(is_finite(value) for value in values if isinstance(value, Tensor)):
        return
    if not isinstance(model, PreTrainedModel):
        raise ModelError("puts out numbers that are not finite", where=name, remedy=_REMEDY)
    raise not_finite(_first_fault(model, inputs), where=name)


def not_finite(place: int | str, *, where: str | None = None) -> ModelError:
    """Return the error of a layer, or of another part, that nothing can be worked out from."""
    named = f"layer {place}" if isinstance(place, int) else place
    return ModelError(f"{named} puts out numbers that are not finite", where=where, remedy=_REMEDY)


def _first_fault(model: PreTrainedModel, inputs: Mapping[str, Tensor]) -> int | str:
    """Run a model again, and return the lowest layer that puts out what is not finite."""
    faults: list[int | str] = []
    with ExitStack() as hooks:
        for number, layer in enumerate(model_layers(model)):
            hooks.callback(watch_output(layer.module, _watch(faults, number)).remove)
        embeddings = embeddings_module(model)
        hooks.callback(watch_output(embeddings, _watch(faults, "the embedding")).remove)
        model(**inputs)
    return faults[0] if faults else "the head"


def _watch(faults: list[int | str], place: int | str) -> Callable[[Tensor], None]:
    def watch(states: Tensor) -> None:
        if not is_finite(states):
            faults.append(place)

    return watch
