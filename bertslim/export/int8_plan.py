"""What of a model stays in float32 when the rest becomes int8."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class LayerMap:
    """A linear map of a layer.

    Attributes:
        layer: The number of the layer.
        name: Its dotted name below the layer; for query, key and value, which are one product, that
            of the module that attends.
    """

    layer: int
    name: str

    def __str__(self) -> str:
        return f"layer {self.layer} {self.name}"


@dataclass(frozen=True)
class Int8Plan:
    """Which products are computed in float32, and which neurons.

    Attributes:
        outlier_neurons: Neurons of FFN blocks, by the number of the layer. A few neurons answer a
            few tokens a hundred times as strongly as any other; one scale for all would leave the
            others a few steps out of 255.
        smoothing: What the inputs of a map are divided by, and its weights multiplied, channel by
            channel: (in,). A few strong channels, too, would leave the others a few steps; what is
            computed stays the same.
        float_maps: Linear maps.
        sensitive: The other maps by how much int8 changes what they put out, the most first.
        static: Whether the scales of activations are settled beforehand.
    """

    outlier_neurons: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    smoothing: Mapping[LayerMap, Tensor] = field(default_factory=dict)
    float_maps: tuple[LayerMap, ...] = ()
    sensitive: tuple[LayerMap, ...] = ()
    static: bool = False

    def leaving(self, maps: int) -> Int8Plan:
        """Return the plan that leaves so many of the most sensitive maps in float32, too."""
        left, others = self.sensitive[:maps], self.sensitive[maps:]
        return replace(self, float_maps=(*self.float_maps, *left), sensitive=others)

    def float_layers(self, name: str) -> set[int]:
        """Return the layers whose map of this name stays in float32."""
        return {float_map.layer for float_map in self.float_maps if float_map.name == name}
