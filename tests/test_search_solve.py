"""The choice of levels within a budget, held to trying all of them."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from bertslim.search.solve import Budgets, Choice, Option, within_both


def all_choices(stages, final: int) -> list[Choice]:
    found = []
    for options in itertools.product(*(range(len(stage)) for stage in stages)):
        state = 0
        for stage, number in zip(stages, options, strict=True):
            state = stage[number].leads_to[state]
        if state == final:
            found.append(Choice.of(stages, options))
    return found


def random_stages(seed: int, states: int):
    draw = np.random.default_rng(seed)

    def option() -> Option:
        costs = tuple(int(cost) for cost in draw.integers(0, 9, states))
        leads_to = tuple(int(state) for state in draw.integers(states, size=states))
        return Option(draw.random(), costs, leads_to, size=int(draw.integers(0, 9)))

    return [[option() for _ in range(draw.integers(1, 5))] for _ in range(5)]


@pytest.mark.parametrize("states", [1, 2])
@pytest.mark.parametrize("seed", range(20))
def test_every_budget_gets_the_best_of_all_choices(seed: int, states: int) -> None:
    stages, final = random_stages(seed, states), states - 1
    budgets = Budgets(stages, 50, final=final, buckets=50)
    every = all_choices(stages, final)
    for budget in range(51):
        least = min((one.damage for one in every if one.cost <= budget), default=math.inf)
        found = budgets.within(budget)
        if found is None:
            assert least == math.inf
            continue
        assert found.damage == pytest.approx(least)
        assert found.cost <= budget


@pytest.mark.parametrize("seed", range(10))
def test_the_frontier_is_that_of_all_choices(seed: int) -> None:
    stages = random_stages(seed, 2)
    found = Budgets(stages, 50, final=1, buckets=50).frontier()
    every = all_choices(stages, 1)
    kept = [
        one
        for one in every
        if not any(
            (other.cost <= one.cost and other.damage < one.damage)
            or (other.cost < one.cost and other.damage <= one.damage)
            for other in every
        )
    ]
    expected = sorted({(one.cost, round(one.damage, 9)) for one in kept})
    assert [(one.cost, round(one.damage, 9)) for one in found] == expected


def test_a_choice_never_exceeds_its_budget_by_rounding() -> None:
    draw = np.random.default_rng(0)
    stages = [
        [Option(float(draw.random()), (float(draw.random()),)) for _ in range(4)] for _ in range(6)
    ]
    budgets = Budgets(stages, 3.0, buckets=40)
    for budget in np.linspace(0.5, 3, 26):
        found = budgets.within(budget)
        assert found is None or found.cost <= budget


@pytest.mark.parametrize("seed", range(15))
def test_two_limits_get_the_best_of_all_choices(seed: int) -> None:
    stages = random_stages(seed, 2)
    every = all_choices(stages, 1)
    for cost, size in itertools.product((8, 16, 24), repeat=2):
        damages = [one.damage for one in every if one.cost <= cost and one.size <= size]
        found = within_both(stages, cost, size, final=1)
        if found is None:
            assert not damages
            continue
        assert found.damage == pytest.approx(min(damages))
        assert found.cost <= cost
        assert found.size <= size
