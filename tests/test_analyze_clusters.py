"""Runs of layers that are alike."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest

from bertslim.analyze.clusters import clusters_of


def blocks(*sizes: int, within: float = 0.95, between: float = 0.3) -> np.ndarray:
    values = np.full((sum(sizes), sum(sizes)), between)
    start = 0
    for size in sizes:
        values[start : start + size, start : start + size] = within
        start += size
    np.fill_diagonal(values, 1.0)
    return values


@pytest.mark.parametrize("sizes", [(4, 2), (3, 5, 4), (1, 5), (2, 2, 2, 2)])
def test_planted_clusters_are_found(sizes: tuple[int, ...]) -> None:
    found = clusters_of(blocks(*sizes))
    assert [one.last - one.first + 1 for one in found] == list(sizes)
    assert found[0].first == 0
    assert all(one.last + 1 == other.first for one, other in pairwise(found))
    assert all(one.within == pytest.approx(0.95 if one.last > one.first else 1) for one in found)


def test_their_names_are_those_of_the_layers() -> None:
    assert [one.name for one in clusters_of(blocks(1, 4))] == ["layer 0", "layers 1-4"]


def test_layers_that_drift_evenly_or_not_at_all_are_one_cluster() -> None:
    assert len(clusters_of(blocks(6))) == 1
    assert len(clusters_of(np.ones((6, 6)))) == 1
    assert len(clusters_of(np.ones((1, 1)))) == 1
    assert len(clusters_of(np.ones((2, 2)))) == 1


def test_a_layer_that_never_varies_is_unlike_all_others() -> None:
    values = blocks(4, 1)
    values[4] = values[:, 4] = np.nan
    assert [one.name for one in clusters_of(values)] == ["layers 0-3", "layer 4"]


def test_no_other_bounds_have_less_distance_within() -> None:
    draw = np.random.default_rng(0)
    noise = draw.uniform(-0.1, 0.1, (7, 7))
    values = (blocks(3, 4) + noise + noise.T).clip(0, 1)
    np.fill_diagonal(values, 1.0)
    found = clusters_of(values)
    bounds = [one.first for one in found] + [7]

    def within(bounds: list[int]) -> float:
        distances = 1 - values
        return sum(
            distances[first:end, first:end].sum() / 2 / (end - first)
            for first, end in pairwise(bounds)
        )

    others = combinations(range(1, 7), len(found) - 1)
    assert within(bounds) == pytest.approx(min(within([0, *inner, 7]) for inner in others))
