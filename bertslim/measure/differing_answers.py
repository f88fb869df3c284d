"""Which held-out texts two models answer differently."""

from __future__ import annotations

import numpy as np

from bertslim.arrays import FloatArray
from bertslim.data.task import Rows
from bertslim.measure.predictions import PredictionComparison
from bertslim.records import Disagreement, Disagreements

MOST = 50
LONGEST = 2000  # characters


def find_disagreements(rows: Rows, comparison: PredictionComparison) -> Disagreements | None:
    """Name the texts that are answered differently, the most different answers first.

    Args:
        rows: The rows that both models answered.
        comparison: What they answered.

    Returns:
        None where answers cannot be put in words.
    """
    if comparison.base_answers is None or comparison.slim_answers is None:
        return None
    base = rows.task.describe_answers(rows.table, comparison.base_answers)
    slim = rows.task.describe_answers(rows.table, comparison.slim_answers)
    if base is None or slim is None:
        return None
    truth = rows.task.describe_labels(rows.table) if rows.labelled else None
    distances = _distances(comparison, len(rows))
    different = [number for number in range(len(rows)) if base[number] != slim[number]]
    if distances is not None:
        different.sort(key=lambda number: -distances[number])
    texts = rows.select(different[:MOST]).split_keys()
    shown = tuple(
        Disagreement(
            text=text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…",
            truth=truth[number] if truth else None,
            base=base[number],
            slim=slim[number],
            distance=float(distances[number]) if distances is not None else None,
        )
        for number, text in zip(different, texts, strict=False)
    )
    return Disagreements(rows=len(rows), different=len(different), shown=shown)


def _distances(comparison: PredictionComparison, rows: int) -> FloatArray | None:
    """Return how far the answers to each row are from each other, (rows,)."""
    if comparison.kl is not None and len(comparison.kl) == rows:
        return comparison.kl
    base, slim = comparison.base_outputs, comparison.slim_outputs
    if base is not None and slim is not None and len(base) == rows:
        distances: FloatArray = np.abs(slim - base).max(axis=1)
        return distances
    return None
