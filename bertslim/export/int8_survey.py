"""Run a model over texts to see what int8 would do to it, and plan what to leave in float32."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from bertslim.data.batches import Batch
from bertslim.export.int8_plan import Int8Plan, LayerMap
from bertslim.measure.decisions import model_inputs
from bertslim.model.checkpoint import Checkpoint
from bertslim.model.families import FAMILIES, Family
from bertslim.model.slim_modeling import layers_of

TOLERABLE = 0.005
CANDIDATES = (0, 8, 16, 32)
_NONE = torch.tensor([], dtype=torch.int64)
_INT8_MOST, _UINT8_STEPS = 127, 255


@dataclass
class _Errors:
    """What int8 changes in the output of one map, batch by batch.

    Attributes:
        by_neurons: For each number of outlier neurons apart, the errors of all tokens.
    """

    by_neurons: dict[int, list[Tensor]] = field(default_factory=dict)

    def add(self, neurons: int, errors: Tensor) -> None:
        self.by_neurons.setdefault(neurons, []).append(errors)

    def typical(self, neurons: int = 0) -> float:
        return float(torch.cat(self.by_neurons[neurons]).median())


@torch.inference_mode()
def survey(checkpoint: Checkpoint, batches: Iterable[Batch]) -> Int8Plan:
    """Plan what stays in float32 from what int8 changes, map by map, on texts.

    Neurons of an FFN block stand apart where without them int8 changes less than TOLERABLE of what
    the block puts out to a typical token, or at most half of what it would change with them. The
    change of a token t is |d_t|^2 / |y_t - median(y)|^2: what all tokens have in common says
    nothing, and a mean would be that of the few tokens with outliers.

    Args:
        checkpoint: The model, in float32.
        batches: Texts that no figure is reported on; run through the model twice.
    """
    given = list(batches)
    family = FAMILIES[checkpoint.facts.model_type]
    layers = layers_of(checkpoint.model, family)
    maps = [one for number, layer in enumerate(layers) for one in _maps(number, layer)]
    outputs = {one: layers[one.layer].get_submodule(one.name) for one in maps}
    second_maps = [one for one in maps if one.name == family.layout.ffn_out]
    strongest = _strongest_neurons(
        checkpoint, given, {one: outputs[one] for one in second_maps}, max(CANDIDATES)
    )
    errors = _errors(checkpoint, given, outputs, strongest)
    apart = {one: _neurons_apart(errors[one]) for one in second_maps}
    return Int8Plan(
        outlier_neurons={
            one.layer: tuple(sorted(strongest[one][:few].tolist()))
            for one, few in apart.items()
            if few and not _is_shared(one, outputs)
        },
        sensitive=_by_error(
            {one: found.typical(apart.get(one, 0)) for one, found in errors.items()}, family
        ),
    )


def _maps(number: int, layer: nn.Module) -> Iterator[LayerMap]:
    for name, module in layer.named_modules():
        if isinstance(module, nn.Linear):
            yield LayerMap(number, name)


def _is_shared(one: LayerMap, modules: dict[LayerMap, nn.Module]) -> bool:
    """Whether an earlier layer has the same FFN block."""
    return any(
        other.layer < one.layer and modules[other] is modules[one]
        for other in modules
        if other.name == one.name
    )


def _strongest_neurons(
    checkpoint: Checkpoint, batches: list[Batch], modules: dict[LayerMap, nn.Module], number: int
) -> dict[LayerMap, Tensor]:
    """Return those that answer any token most strongly, the strongest first."""
    largest: dict[LayerMap, Tensor] = {}

    def see(one: LayerMap, _: nn.Module, args: tuple[Any, ...], __: Any) -> None:
        found = _neurons(args[0]).abs().flatten(0, -2).amax(dim=0)
        largest[one] = torch.maximum(largest.get(one, found), found)

    with _watching(modules, see):
        _run(checkpoint, batches)
    return {one: found.argsort(descending=True)[:number] for one, found in largest.items()}


def _errors(
    checkpoint: Checkpoint,
    batches: list[Batch],
    modules: dict[LayerMap, nn.Module],
    strongest: dict[LayerMap, Tensor],
) -> dict[LayerMap, _Errors]:
    found = {one: _Errors() for one in modules}

    def see(one: LayerMap, module: nn.Module, args: tuple[Any, ...], given: Any) -> None:
        weight, inputs, output = module.get_parameter("weight"), _neurons(args[0]), _neurons(given)
        changed = _int8_weight(weight)
        common = output.flatten(0, -2).median(dim=0).values
        spread = (output - common).pow(2).sum(dim=-1).flatten()
        for few in CANDIDATES if one in strongest else (0,):
            rest = inputs.clone()
            rest[..., strongest.get(one, _NONE)[:few]] = 0
            error = _int8_input(rest) @ changed.T - rest @ weight.T
            found[one].add(few, error.pow(2).sum(dim=-1).flatten() / spread)

    with _watching(modules, see):
        _run(checkpoint, batches)
    return found


def _neurons_apart(errors: _Errors) -> int:
    """Return the fewest that make the error tolerable, else those that make it smallest."""
    found = {few: errors.typical(few) for few in CANDIDATES}
    tolerable = [few for few in CANDIDATES if found[few] <= TOLERABLE]
    if tolerable:
        return tolerable[0]
    best = min(CANDIDATES, key=lambda few: found[few])
    return best if found[best] <= found[0] / 2 else 0


def _by_error(errors: dict[LayerMap, float], family: Family) -> tuple[LayerMap, ...]:
    """Order the maps, query, key and value as the one product that they are."""
    products: dict[LayerMap, float] = {}
    for one, error in errors.items():
        attends = one.name in family.layout.attention_in
        product = LayerMap(one.layer, family.layout.attention[0]) if attends else one
        products[product] = max(error, products.get(product, 0.0))
    return tuple(sorted(products, key=lambda one: -products[one]))


def _int8_input(values: Tensor) -> Tensor:
    """Round as DynamicQuantizeLinear does: to one scale and zero point for the whole tensor."""
    low, high = values.min().clamp(max=0), values.max().clamp(min=0)
    scale = (high - low).clamp(min=torch.finfo(values.dtype).tiny) / _UINT8_STEPS
    zero = (-low / scale).round()
    return ((values / scale).round() + zero).clamp(0, _UINT8_STEPS).sub(zero) * scale


def _int8_weight(weight: Tensor) -> Tensor:
    """Round (out, in) to a scale an output."""
    largest = weight.abs().amax(dim=1, keepdim=True).clamp(min=torch.finfo(weight.dtype).tiny)
    return (weight / largest * _INT8_MOST).round() * largest / _INT8_MOST


def _neurons(given: Any) -> Tensor:
    """Maps beside a bypass hand on the neurons and what they were computed from."""
    neurons: Tensor = given[0] if isinstance(given, tuple) else given
    return neurons


@contextmanager
def _watching(modules: dict[LayerMap, nn.Module], see: Callable[..., None]) -> Iterator[None]:
    hooks: list[RemovableHandle] = [
        module.register_forward_hook(partial(see, one)) for one, module in modules.items()
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _run(checkpoint: Checkpoint, batches: list[Batch]) -> None:
    for batch in batches:
        checkpoint.model(**model_inputs(batch, checkpoint.facts.head))
