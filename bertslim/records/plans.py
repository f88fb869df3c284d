"""What becomes of a model, worked out before any weight is touched."""

from __future__ import annotations

from bertslim.records.facts import LayerFacts, Sizes
from bertslim.records.frozen import Frozen


class LayerPlan(Frozen):
    """What one layer of the base becomes.

    Attributes:
        layer: Number in the base, from 0.
        slim_layer: Number in the slim model; None where the layer is dropped.
        actions: What happens to it, in words; empty where it is left alone.
    """

    layer: int
    slim_layer: int | None
    before: LayerFacts
    after: LayerFacts | None
    actions: tuple[str, ...]
    parameters_before: int
    parameters_after: int
    macs_before: int
    macs_after: int


class StepPlan(Frozen):
    """One surgery step of a recipe with its layers resolved to numbers of the base.

    Attributes:
        layers: Empty where the step is not about layers.
    """

    op: str
    layers: tuple[int, ...]


class VocabularyPlan(Frozen):
    """What becomes of the vocabulary.

    Attributes:
        before: Tokens in that of the base.
        after: Tokens that stay; None until the data are read that tell.
    """

    before: int
    after: int | None


class Plan(Frozen):
    """What a recipe makes of a model, worked out before any weight is touched.

    Attributes:
        even: Whether a stock transformers class can express the result.
        length: The sequence length, in tokens, at which MACs are counted.
        slim: An upper bound as long as it is not known how many tokens stay.
        vocabulary: What becomes of the vocabulary; None where it stays as it is.
    """

    steps: tuple[StepPlan, ...]
    layers: tuple[LayerPlan, ...]
    even: bool
    length: int
    base: Sizes
    slim: Sizes
    vocabulary: VocabularyPlan | None = None

    @property
    def slim_layers(self) -> tuple[LayerFacts, ...]:
        """The layers of the slim model from the bottom up."""
        return tuple(row.after for row in self.layers if row.after is not None)
