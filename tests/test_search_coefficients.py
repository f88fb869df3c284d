"""Choices by damages and times, and coefficients for damages, on tiny models."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from bertslim.ranks import Ranks
from bertslim.search.coefficients import CoefficientSearch
from bertslim.search.latency_table import attends
from bertslim.search.level_switches import LevelSwitches
from bertslim.search.levels import plan_of
from bertslim.search.problem import Budget, Problem
from bertslim.search.stitched import StitchedModels
from bertslim.search.trials import Candidate, Trials
from support.calibration import random_texts
from support.searched import QUIET, Searched, made_up_table


@pytest.fixture(scope="module")
def searched(make_checkpoint, make_recipe) -> Searched:
    directory = make_checkpoint("bert", "SequenceClassification", num_hidden_layers=3)
    return Searched.of(directory, make_recipe)


@pytest.fixture(scope="module")
def problem(searched: Searched) -> Problem:
    models = StitchedModels(searched.library, random_texts(8, 8, seed=3))
    damages = models.damages(searched.choices, QUIET)
    table = made_up_table(searched.choices[0])
    return Problem(searched.base.facts, searched.choices, damages, table)


def every_configuration(problem: Problem):
    every = itertools.product(*(problem.options(number) for number in range(3)))
    return [one for one in every if any(map(attends, one))]


def added_damage(problem: Problem, configuration) -> float:
    total = 0.0
    for number, levels in enumerate(configuration):
        if levels is None:
            total += max(0.0, problem.damages[number, None])
            continue
        for level in levels.levels:
            if level.kind != "kept":
                total += max(0.0, problem.damages[number, level])
    return total


def test_a_budget_gets_the_least_damage_of_all_configurations(problem: Problem) -> None:
    every = every_configuration(problem)
    solved = problem.budgets([(1.0, 1.0)] * 3)
    base = problem.predicted_ms(problem.kept)
    for share in (0.4, 0.6, 0.8, 1.0):
        found = solved.within(share * base)
        assert found is not None
        assert problem.predicted_ms(found) <= share * base + 1e-9
        slack = 0.998 * share * base  # what rounding to buckets may cost
        best = min(
            added_damage(problem, one) for one in every if problem.predicted_ms(one) <= slack
        )
        assert added_damage(problem, found) <= best + 1e-9


def test_parameters_are_those_of_the_plan_and_are_kept_within(problem: Problem) -> None:
    for configuration in every_configuration(problem)[1::97]:
        expected = plan_of(configuration, problem.facts).record.slim.parameters
        assert problem.parameters(configuration) == expected
    whole = problem.parameters(problem.kept)
    base = problem.predicted_ms(problem.kept)
    found = problem.budgets([(1.0, 1.0)] * 3).within(0.7 * base, int(0.8 * whole))
    assert found is not None
    assert problem.parameters(found) <= 0.8 * whole
    assert problem.predicted_ms(found) <= 0.7 * base
    assert problem.budgets([(1.0, 1.0)] * 3).within(base, 10) is None


def test_the_frontier_gets_slower_and_ends_with_the_base(problem: Problem) -> None:
    frontier = problem.budgets([(1.0, 1.0)] * 3).frontier()
    times = [problem.predicted_ms(configuration) for configuration in frontier]
    assert times == sorted(times)
    assert len(frontier) >= 10
    assert added_damage(problem, frontier[-1]) == 0


def trials_of(searched: Searched) -> Trials:
    texts = random_texts(8, 8, 8, 8, seed=3)
    rungs = [
        (16, StitchedModels(searched.library, texts[:2])),
        (32, StitchedModels(searched.library, texts)),
    ]
    return Trials(rungs)


def search_of(problem: Problem, searched: Searched, **changes) -> CoefficientSearch:
    base = problem.predicted_ms(problem.kept)
    settings = {
        "trials": trials_of(searched),
        "budgets": [Budget(0.5 * base), Budget(0.75 * base), Budget(0.01 * base)],
        "vectors": 12,
        "seed": 0,
        "expired": lambda: False,
        "progress": QUIET,
    } | changes  # fmt: skip
    return CoefficientSearch(problem, **settings)


def test_what_is_found_is_no_worse_than_by_damages_as_they_are(problem, searched) -> None:
    search = search_of(problem, searched)
    found = search.run()
    assert [bool(pool) for pool in found] == [True, True, False]
    plain = search_of(problem, searched, vectors=1).run()
    for pool, (first,) in zip(found[:2], plain[:2], strict=True):
        assert pool[0] == first
        (best, *_) = search.trials.climb(pool)
        assert best.texts == 32
        assert best.damage <= search.trials.run([first], rung=1)[0].damage + 1e-12


def test_a_search_repeats_and_can_be_ended(problem, searched) -> None:
    assert search_of(problem, searched).run() == search_of(problem, searched).run()
    ended = search_of(problem, searched, expired=lambda: True)
    assert [len(pool) for pool in ended.run()] == [1, 1, 0]
    assert {one.texts for one in ended.trials.candidates.values()} == {16}


def test_the_better_quarter_is_run_on_more_texts(problem, searched) -> None:
    trials = trials_of(searched)
    pool = every_configuration(problem)[1::2000]
    ranked = trials.climb(pool)
    assert sorted(map(pool.index, (one.configuration for one in ranked))) == [*range(len(pool))]
    again = trials_of(searched).run(pool)
    best = sorted(again, key=lambda one: one.damage)[: math.ceil(len(pool) / 4)]
    on_more = [one for one in ranked if one.texts == 32]
    assert {one.configuration for one in on_more} == {one.configuration for one in best}
    assert [one.damage for one in on_more] == sorted(one.damage for one in on_more)


@dataclass(frozen=True)
class OneOfTwo(Ranks):
    """One of two processes; it is given what the other one would have worked out."""

    other: Any = None

    def total(self, value: torch.Tensor) -> torch.Tensor:
        return value + self.other[: len(value)]


def test_processes_share_what_is_run(problem, searched, monkeypatch) -> None:
    pool = every_configuration(problem)[1:300:60]
    alone = trials_of(searched).run(pool)
    damages = torch.tensor([one.damage for one in alone], dtype=torch.float64)
    for rank in range(2):
        others = damages.clone()
        others[rank::2] = 0
        trials = trials_of(searched)
        trials.ranks = OneOfTwo(rank, 2, others)
        assert trials.run(pool) == alone


def test_switches_better_a_configuration_within_its_budget(problem, searched) -> None:
    budget = Budget(0.6 * problem.predicted_ms(problem.kept))
    first = problem.budgets([(0.25, 4.0), (4.0, 0.25), (1.0, 1.0)]).within(budget.ms)
    assert first is not None

    def bettered() -> tuple[Candidate, list[Candidate]]:
        trials = trials_of(searched)
        switches = LevelSwitches(problem, trials, np.random.default_rng(0))
        best = [trials.run([first])[0]]
        for _ in range(4):
            best.append(switches.bettered(best[-1], budget))
        return best[-1], list(trials.candidates.values())

    best, tried = bettered()
    assert (best, tried) == bettered()
    assert best.damage < trials_of(searched).run([first], rung=1)[0].damage
    assert len(tried) > 10
    for one in tried[1:]:
        assert problem.is_within(one.configuration, budget)
