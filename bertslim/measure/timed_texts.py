"""The texts that models are timed on, as each of them reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bertslim.measure.lengths import DATA
from bertslim.measure.shapes import Shape
from bertslim.measure.text_sample import TextSample
from bertslim.records import Scalar


@dataclass(frozen=True)
class TimedTexts:
    """The same texts for all models.

    Attributes:
        samples: By model; none where only fixed shapes are timed.
    """

    samples: Mapping[str, TextSample]

    def batches(self, shape: Shape) -> int:
        """Return how many batches there are that all models have; 0 for a fixed shape."""
        if not shape.of_texts:
            return 0
        return min(len(sample.batches(shape.batch)) for sample in self.samples.values())

    def size(self, shape: Shape) -> tuple[int, int]:
        """Return the positions and the length of the largest call at a shape, for comparison."""
        if shape.length != DATA:
            return shape.batch * shape.length, shape.length
        longest = max(int(sample.lengths.max()) for sample in self.samples.values())
        return shape.batch * longest, longest

    def context(self, shape: Shape, name: str) -> dict[str, Scalar]:
        """Say what texts a model was run on; nothing of a fixed shape."""
        if not shape.of_texts:
            return {}
        sample = self.samples[name]
        return {
            "dataset": sample.source,
            "texts": len(sample),
            "tokens": float(sample.lengths.mean()),
            "padding": sample.padding(shape.batch),
        }
