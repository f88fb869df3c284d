"""Neighbouring layers whose representations are alike, as in Phang et al. 2021 (2109.08406)."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bertslim.arrays import FloatArray
from bertslim.records import Cluster

DISTINCT = 0.25  # a silhouette below this is that of no clusters worth the name

Bounds = list[int]


def clusters_of(values: FloatArray) -> tuple[Cluster, ...]:
    """Split the layers into runs of neighbours that are most alike within.

    For each number of runs, those with the smallest sum of distances (1 - CKA) within, each run's
    divided by its length; of these the one with the largest silhouette (Rousseeuw 1987). Where no
    silhouette reaches DISTINCT, all layers are one cluster.

    Args:
        values: CKA, (layers, layers); NaN counts as unlike.
    """
    alike = np.nan_to_num(values, nan=0.0)
    np.fill_diagonal(alike, 1.0)
    bounds = _best_bounds(1 - alike)
    return tuple(
        Cluster(
            name=f"layers {first}-{end - 1}" if end - first > 1 else f"layer {first}",
            first=first,
            last=end - 1,
            within=_within(alike[first:end, first:end]),
        )
        for first, end in pairwise(bounds)
    )


def _best_bounds(distances: FloatArray) -> Bounds:
    from sklearn.metrics import silhouette_score

    layers = len(distances)
    best_score, best_bounds = DISTINCT, [0, layers]
    for bounds in _partitions(distances)[1:-1]:
        runs = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
        score = float(silhouette_score(distances.clip(min=0), runs, metric="precomputed"))
        if score > best_score:
            best_score, best_bounds = score, bounds
    return best_bounds


def _partitions(distances: FloatArray) -> list[Bounds]:
    """Return the best bounds of 1, 2, 3 … runs, found by dynamic programming."""
    layers = len(distances)
    cost = np.full((layers + 1, layers + 1), np.inf)
    for first in range(layers):
        for end in range(first + 1, layers + 1):
            cost[first, end] = distances[first:end, first:end].sum() / 2 / (end - first)
    least = [cost[0].copy()]
    before: list[NDArray[np.int64]] = []
    for _ in range(1, layers):
        totals = least[-1][:, None] + cost
        before.append(totals.argmin(axis=0))
        least.append(totals.min(axis=0))
    return [_bounds(before[:runs], layers) for runs in range(layers)]


def _bounds(before: list[NDArray[np.int64]], layers: int) -> Bounds:
    bounds = [layers]
    for starts in reversed(before):
        bounds.append(int(starts[bounds[-1]]))
    return [0, *reversed(bounds)]


def _within(alike: FloatArray) -> float:
    """Return the mean over pairs of different layers; 1 where there is one layer."""
    count = len(alike)
    if count == 1:
        return 1.0
    return float((alike.sum() - np.trace(alike)) / (count * (count - 1)))
