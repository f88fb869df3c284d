"""The plan of a cut, made before any weight is touched."""

from __future__ import annotations

from bertslim.records.facts import LayerFacts, Sizes
from bertslim.records.frozen import Count, Frozen


class LayerPlan(Frozen):
    """One layer of the base before and after the cut.

    Attributes:
        layer: Number in the base, from 0.
        slim_layer: Number in the slim model; None where the layer is dropped.
        actions: The changes of the layer, in words; empty if there are none.
    """

    layer: Count
    slim_layer: Count | None
    before: LayerFacts
    after: LayerFacts | None
    actions: tuple[str, ...]
    parameters_before: Count
    parameters_after: Count
    macs_before: Count
    macs_after: Count


class StepPlan(Frozen):
    """One surgery step of a recipe with its layers resolved to numbers of the base.

    Attributes:
        layers: Empty if the step does not change layers.
    """

    op: str
    layers: tuple[Count, ...]


class VocabularyPlan(Frozen):
    """The size of the vocabulary before and after the cut.

    Attributes:
        before: Tokens in that of the base.
        after: Tokens that stay; None as long as the data are not read.
    """

    before: Count
    after: Count | None


class Plan(Frozen):
    """The effect of a recipe on a model, known before any weight is touched.

    Attributes:
        even: Whether a stock transformers class can express the result.
        length: The sequence length, in tokens, at which MACs are counted.
        slim: An upper bound as long as the number of kept tokens is not known.
        vocabulary: The change of the vocabulary; None if there is none.
    """

    steps: tuple[StepPlan, ...]
    layers: tuple[LayerPlan, ...]
    even: bool
    length: Count
    base: Sizes
    slim: Sizes
    vocabulary: VocabularyPlan | None = None

    @property
    def slim_layers(self) -> tuple[LayerFacts, ...]:
        """The layers of the slim model from the bottom up."""
        return tuple(row.after for row in self.layers if row.after is not None)
