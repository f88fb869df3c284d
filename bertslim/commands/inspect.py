"""`bertslim inspect`: the layers and sizes of a checkpoint, from its configuration alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from bertslim.model.description import describe_checkpoint
from bertslim.model.model_source import find_model
from bertslim.options.inspect import InspectOptions
from bertslim.recipe.sizes import (
    DEFAULT_LENGTH,
    count,
    ffn_parameters,
    layer_macs,
    layer_parameters,
)
from bertslim.records import ModelFacts, Sizes


@dataclass(frozen=True)
class LayerSize:
    """Parameters and multiply-accumulates of one layer, and the parameters of its FFN."""

    parameters: int
    ffn_parameters: int
    macs: int


@dataclass(frozen=True)
class Inspection:
    """A checkpoint's shape and sizes.

    Attributes:
        name: The name as the user wrote it.
        length: Tokens at which MACs are counted.
        layers: Sizes from the bottom up.
        notes: What `config.json` says otherwise than the weights, a line each.
    """

    name: str
    facts: ModelFacts = field(repr=False)
    sizes: Sizes
    length: int
    layers: tuple[LayerSize, ...] = field(repr=False)
    notes: tuple[str, ...] = ()


def inspect_model(options: InspectOptions) -> Inspection:
    """Describe a checkpoint without building a model.

    Raises:
        ModelError: There is no such checkpoint, or its family is not supported.
    """
    source = find_model(options.model, weights=False)
    described = describe_checkpoint(source.directory, config_only=True)
    facts = described.facts
    length = min(DEFAULT_LENGTH, facts.max_length)
    return Inspection(
        name=options.model,
        facts=facts,
        sizes=count(facts, facts.layers, length),
        length=length,
        layers=tuple(
            LayerSize(
                parameters=layer_parameters(facts, layer),
                ffn_parameters=ffn_parameters(facts, layer),
                macs=layer_macs(facts, layer, length),
            )
            for layer in facts.layers
        ),
        notes=described.notes,
    )
