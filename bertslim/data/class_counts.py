"""How well a model separates each class from the others, from counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bertslim.arrays import FloatArray, IntArray
from bertslim.data.metrics import share

CLASS_METRICS = ("f1", "precision", "recall")


@dataclass(frozen=True)
class ClassCounts:
    """What there is of each class.

    Attributes:
        names: What the classes are called.
        counts: (rows, classes, 3): how often a class was predicted where it is the truth, how often
            it is the truth, and how often it was predicted.
    """

    names: tuple[str, ...]
    counts: FloatArray

    @property
    def support(self) -> IntArray:
        """How often each class is the truth, (classes,)."""
        support: IntArray = self.counts[:, :, 1].sum(axis=0).astype(np.int64)
        return support

    def only(self, selected: NDArray[np.bool_]) -> ClassCounts:
        """Return some of the classes, those marked in (classes,)."""
        names = tuple(name for name, kept in zip(self.names, selected, strict=True) if kept)
        return ClassCounts(names, self.counts[:, selected])

    def resampled(self, weights: FloatArray) -> FloatArray:
        """Work out CLASS_METRICS, (resamples, classes · 3), of weights (resamples, rows)."""
        rows = len(self.counts)
        total = weights @ self.counts.reshape(rows, -1)
        return figures_of(total.reshape(len(weights), -1, 3)).reshape(len(weights), -1)

    @property
    def figures(self) -> FloatArray:
        """CLASS_METRICS of each class, (classes, 3)."""
        return figures_of(self.counts.sum(axis=0))


def figures_of(counts: FloatArray) -> FloatArray:
    """Work out F1, precision and recall, (..., 3), from right, true and predicted, (..., 3)."""
    right, true, predicted = counts[..., 0], counts[..., 1], counts[..., 2]
    return np.stack(
        [share(2 * right, true + predicted), share(right, predicted), share(right, true)], axis=-1
    )


def count_classes(names: Sequence[str], labels: IntArray, predictions: IntArray) -> ClassCounts:
    """Count classes that rows have one of, or any number of.

    Args:
        names: In the order of the ids.
        labels: (rows,) of ids, or (rows, classes) of 0 and 1.
        predictions: Of the same shape.
    """
    classes = np.arange(len(names))
    true, predicted = (
        (ids[:, None] == classes) if ids.ndim == 1 else ids == 1 for ids in (labels, predictions)
    )
    counts = np.stack([true & predicted, true, predicted], axis=-1)
    return ClassCounts(tuple(names), counts.astype(np.float64))
