"""Run a model over texts to see what int8 would do to it, and plan what to leave in float32."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from bertslim.data.outputs import model_inputs
from bertslim.data.task import Batch
from bertslim.export.int8_plan import Int8Plan, LayerMap
from bertslim.export.int8_range import MOST, weight_steps
from bertslim.model.checkpoint import Checkpoint
from bertslim.model.families import LayerLayout

TOLERABLE = 0.005
WORTH_SMOOTHING = 0.001
CANDIDATES = (0, 8, 16, 32)
SMOOTHING = 0.7  # alpha of SmoothQuant (Xiao et al. 2022, 2211.10438, equation 4)
_NONE = torch.tensor([], dtype=torch.int64)
_UINT8_STEPS = 255


@dataclass
class _Errors:
    """What int8 changes in the output of one map, batch by batch.

    Attributes:
        by_neurons: For each number of outlier neurons apart, the errors of all tokens.
        smoothed: Those with smoothed inputs.
    """

    by_neurons: dict[int, list[Tensor]] = field(default_factory=dict)
    smoothed: list[Tensor] = field(default_factory=list)

    def typical(self, neurons: int = 0) -> float:
        return float(torch.cat(self.by_neurons[neurons]).median())

    def typical_smoothed(self) -> float:
        return float(torch.cat(self.smoothed).median()) if self.smoothed else math.inf


@torch.inference_mode()
def survey(checkpoint: Checkpoint, batches: Iterable[Batch]) -> Int8Plan:
    """Plan what stays in float32 from what int8 changes, map by map, on texts.

    Neurons of an FFN block without a gate stand apart where without them int8 changes less than
    TOLERABLE of what the block puts out to a typical token, or at most half of what it would change
    with them. The
    change of a token t is |d_t|^2 / |y_t - median(y)|^2: what all tokens have in common does
    not count, and a mean would be that of the few tokens with outliers. By the same measure, the
    inputs of other maps are smoothed where int8 changes more than WORTH_SMOOTHING of what they say
    and smoothing at least halves that.

    Args:
        checkpoint: The model, in float32.
        batches: Texts that no figure is reported on; run through the model twice.
    """
    given = list(batches)
    layout = checkpoint.family.layout
    layers = [layer.module for layer in checkpoint.layers]
    maps = [layer_map for number, layer in enumerate(layers) for layer_map in _maps(number, layer)]
    outputs = {
        layer_map: layers[layer_map.layer].get_submodule(layer_map.name) for layer_map in maps
    }
    second_maps = [layer_map for layer_map in maps if layer_map.name == layout.ffn.output]
    largest = _largest_inputs(checkpoint, given, outputs)
    strongest = {
        layer_map: _strongest(largest[layer_map], max(CANDIDATES))
        for layer_map in second_maps
        if not layout.ffn.gated
    }
    smoothing = _smoothing(largest, outputs, layout)
    errors = _errors(checkpoint, given, outputs, strongest, smoothing)
    apart = {layer_map: _neurons_apart(errors[layer_map]) for layer_map in strongest}
    smoothed = {
        product
        for product, members in _products(smoothing, layout).items()
        if any(_is_better_smoothed(errors[layer_map]) for layer_map in members)
    }
    remaining = {
        layer_map: errors[layer_map].typical_smoothed()
        if _product(layer_map, layout) in smoothed
        else errors[layer_map].typical(apart.get(layer_map, 0))
        for layer_map in maps
    }
    return Int8Plan(
        outlier_neurons={
            layer_map.layer: tuple(sorted(strongest[layer_map][:few].tolist()))
            for layer_map, few in apart.items()
            if few and not _is_shared(layer_map, outputs)
        },
        smoothing={
            product: smoothing[members[0]]
            for product, members in _products(smoothing, layout).items()
            if product in smoothed
        },
        sensitive=_by_error(remaining, layout),
    )


def _maps(number: int, layer: nn.Module) -> Iterator[LayerMap]:
    for name, module in layer.named_modules():
        if isinstance(module, nn.Linear):
            yield LayerMap(number, name)


def _is_shared(layer_map: LayerMap, modules: dict[LayerMap, nn.Module]) -> bool:
    """Whether an earlier layer has the same FFN block."""
    return any(
        other.layer < layer_map.layer and modules[other] is modules[layer_map]
        for other in modules
        if other.name == layer_map.name
    )


def _can_be_smoothed(
    layer_map: LayerMap, modules: dict[LayerMap, nn.Module], layout: LayerLayout
) -> bool:
    """Whether it is a map of one layer alone, with nothing beside it, but the second of a block.

    The outliers among neurons are too strong for that.
    """
    users = sum(module is modules[layer_map] for module in modules.values())
    plain = users == 1 and type(modules[layer_map]) is nn.Linear
    return plain and layer_map.name != layout.ffn.output


def _product(layer_map: LayerMap, layout: LayerLayout) -> LayerMap:
    """Return the product that a map is a part of: query, key and value are one where they fuse."""
    attends = layout.attention.fuses and layer_map.name in layout.attention.inputs
    return LayerMap(layer_map.layer, layout.attention.modules[0]) if attends else layer_map


def _products(maps: Iterable[LayerMap], layout: LayerLayout) -> dict[LayerMap, list[LayerMap]]:
    """Gather the maps of each product."""
    products: dict[LayerMap, list[LayerMap]] = {}
    for layer_map in maps:
        products.setdefault(_product(layer_map, layout), []).append(layer_map)
    return products


def _largest_inputs(
    checkpoint: Checkpoint, batches: list[Batch], modules: dict[LayerMap, nn.Module]
) -> dict[LayerMap, Tensor]:
    """Return the largest absolute value that each input of a map takes for any token, (in,)."""
    largest: dict[LayerMap, Tensor] = {}

    def see(layer_map: LayerMap, _: nn.Module, args: tuple[Any, ...], __: Any) -> None:
        magnitudes = _neurons(args[0]).abs().flatten(0, -2).amax(dim=0)
        largest[layer_map] = torch.maximum(largest.get(layer_map, magnitudes), magnitudes)

    with _watching(modules, see):
        _run(checkpoint, batches)
    return largest


def _strongest(largest: Tensor, number: int) -> Tensor:
    """Return the numbers of the neurons that answer most strongly, the strongest first; never all.

    A block of which nothing is left in int8 would have a map without outputs.
    """
    return largest.argsort(descending=True)[: min(number, len(largest) - 1)]


def _smoothing(
    largest: dict[LayerMap, Tensor], modules: dict[LayerMap, nn.Module], layout: LayerLayout
) -> dict[LayerMap, Tensor]:
    """Return what each input of a map is divided by, (in,): max|x|^alpha / max|w|^(1 - alpha).

    It is the same for all maps of a product, which share their input.
    """
    scales = {}
    able = [layer_map for layer_map in modules if _can_be_smoothed(layer_map, modules, layout)]
    for members in _products(able, layout).values():
        inputs = largest[members[0]]
        weights = torch.cat([modules[layer_map].get_parameter("weight") for layer_map in members])
        columns, tiny = weights.abs().amax(dim=0), torch.finfo(inputs.dtype).tiny
        scale = inputs.clamp(min=tiny) ** SMOOTHING / columns.clamp(min=tiny) ** (1 - SMOOTHING)
        scales.update(dict.fromkeys(members, scale / scale.median()))
    return scales


def _errors(
    checkpoint: Checkpoint,
    batches: list[Batch],
    modules: dict[LayerMap, nn.Module],
    strongest: dict[LayerMap, Tensor],
    smoothing: dict[LayerMap, Tensor],
) -> dict[LayerMap, _Errors]:
    by_map = {layer_map: _Errors() for layer_map in modules}

    def see(layer_map: LayerMap, module: nn.Module, args: tuple[Any, ...], given: Any) -> None:
        weight, inputs, output = module.get_parameter("weight"), _neurons(args[0]), _neurons(given)
        common = output.flatten(0, -2).median(dim=0).values
        spread = (output - common).pow(2).sum(dim=-1).flatten()
        for few in CANDIDATES if layer_map in strongest else (0,):
            rest = inputs.clone()
            rest[..., strongest.get(layer_map, _NONE)[:few]] = 0
            errors = _changes(rest, weight) / spread
            by_map[layer_map].by_neurons.setdefault(few, []).append(errors)
        if layer_map in smoothing:
            scale = smoothing[layer_map]
            by_map[layer_map].smoothed.append(_changes(inputs / scale, weight * scale) / spread)

    with _watching(modules, see):
        _run(checkpoint, batches)
    return by_map


def _changes(inputs: Tensor, weight: Tensor) -> Tensor:
    """Return the squared error that int8 makes for each token, (tokens,)."""
    error = _int8_input(inputs) @ _int8_weight(weight).T - inputs @ weight.T
    return error.pow(2).sum(dim=-1).flatten()


def _is_better_smoothed(errors: _Errors) -> bool:
    return errors.typical() > WORTH_SMOOTHING and errors.typical_smoothed() <= errors.typical() / 2


def _neurons_apart(errors: _Errors) -> int:
    """Return the fewest that make the error tolerable, else those that make it smallest."""
    typical = {few: errors.typical(few) for few in CANDIDATES}
    tolerable = [few for few in CANDIDATES if typical[few] <= TOLERABLE]
    if tolerable:
        return tolerable[0]
    best = min(CANDIDATES, key=lambda few: typical[few])
    return best if typical[best] <= typical[0] / 2 else 0


def _by_error(errors: dict[LayerMap, float], layout: LayerLayout) -> tuple[LayerMap, ...]:
    """Order the maps, query, key and value as the one product that they are."""
    products: dict[LayerMap, float] = {}
    for layer_map, error in errors.items():
        product = _product(layer_map, layout)
        products[product] = max(error, products.get(product, 0.0))
    return tuple(sorted(products, key=lambda product: -products[product]))


def _int8_input(values: Tensor) -> Tensor:
    """Round as DynamicQuantizeLinear does: to one scale and zero point for the whole tensor."""
    low, high = values.min().clamp(max=0), values.max().clamp(min=0)
    scale = (high - low).clamp(min=torch.finfo(values.dtype).tiny) / _UINT8_STEPS
    zero = (-low / scale).round()
    return ((values / scale).round() + zero).clamp(0, _UINT8_STEPS).sub(zero) * scale


def _int8_weight(weight: Tensor) -> Tensor:
    """Round (out, in) to a step an output."""
    steps = weight_steps(weight)
    return (weight / steps).round().clamp(-MOST, MOST) * steps


def _neurons(given: Any) -> Tensor:
    """Maps beside a bypass hand on the neurons and what they were computed from."""
    neurons: Tensor = given[0] if isinstance(given, tuple) else given
    return neurons


@contextmanager
def _watching(modules: dict[LayerMap, nn.Module], see: Callable[..., None]) -> Iterator[None]:
    hooks: list[RemovableHandle] = [
        module.register_forward_hook(partial(see, layer_map))
        for layer_map, module in modules.items()
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _run(checkpoint: Checkpoint, batches: list[Batch]) -> None:
    for batch in batches:
        checkpoint.model(**model_inputs(batch, checkpoint.facts.head))
