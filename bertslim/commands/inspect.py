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
from bertslim.report.notebook import fragment
from bertslim.report.plan_tables import LayerRow, facts_table, layers_table
from bertslim.report.tables import Table


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

    @property
    def tables(self) -> tuple[Table, Table]:
        """The shape and sizes of the model, and those of its layers."""
        rows = [
            LayerRow(number, layer, size.parameters, size.macs)
            for number, (layer, size) in enumerate(zip(self.facts.layers, self.layers, strict=True))
        ]
        model = facts_table(self.facts, self.sizes, length=self.length)
        return model, layers_table(rows, self.sizes.encoder)

    @property
    def ffn_share(self) -> str:
        """The parameters of the FFN blocks, in a sentence."""
        ffn = sum(size.ffn_parameters for size in self.layers)
        if not self.sizes.encoder:
            return "It has no layers."
        share = f"The FFN blocks hold {ffn:,} parameters: {ffn / self.sizes.encoder:.0%} of the "
        return share + f"layers, {ffn / self.sizes.parameters:.0%} of the model."

    def _repr_html_(self) -> str:
        """Show the tables in a notebook."""
        notes = [f"Note: {note}." for note in self.notes]
        words = (f"{self.sizes.parameters:,} parameters", self.ffn_share, *notes)
        return fragment(self.name, words, self.tables)


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
