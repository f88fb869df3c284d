"""The order of a search: what is made where finalists take longer than predicted."""

from __future__ import annotations

import itertools
import time
from types import SimpleNamespace
from typing import Any

import pytest

from bertslim.records import SearchTarget
from bertslim.search.frontier_search import FrontierSearch
from bertslim.search.levels import Configuration
from bertslim.search.problem import Budget, Problem
from bertslim.search.trials import Trials
from support.checkpoints import facts_of
from support.searched import QUIET, checked_problem, drawn_table, few_choices

LAYERS = 3
TARGET = 0.55  # of the base's time


@pytest.fixture(scope="module")
def problem_and_models(tiny_model) -> tuple[Problem, Any]:
    facts = facts_of(tiny_model("bert", "SequenceClassification", num_hidden_layers=LAYERS))
    choices = few_choices(facts)
    models = drawn_table(choices, 0)
    return checked_problem(facts, choices, models), models


def search_for(problem: Problem, models: Any, *, slower: float) -> FrontierSearch:
    """Search where all that is made takes so many times as long as predicted."""

    def make(_: str, configuration: Configuration) -> Any:
        judged = SimpleNamespace(drop=None)
        return SimpleNamespace(ms=slower * problem.predicted_ms(configuration), judged=judged)

    maker: Any = SimpleNamespace(materials=SimpleNamespace(seed=0, progress=QUIET), make=make)
    points: Any = SimpleNamespace(plan_of=lambda configuration, _: configuration)
    target = SearchTarget(ms=TARGET * problem.table.base_ms)
    now = time.monotonic()
    trials = Trials([(64, models)])
    return FrontierSearch(problem, trials, maker, points, target, None, now, now + 3600)


def make_for_target(search: FrontierSearch) -> list[Configuration]:
    """Make the finalists that the target asks for."""
    for configuration in search._asked_for():
        search._make(configuration)
    return list(search.made)


def best_within(problem: Problem, models: Any, ms: float) -> Configuration:
    """Return the best of all configurations that should take at most so long."""
    every = itertools.product(*(problem.options(number) for number in range(LAYERS)))
    return min((one for one in every if problem.is_within(one, Budget(ms))), key=models.damage)


def test_where_predictions_hold_the_best_three_within_the_target_are_made(
    problem_and_models,
) -> None:
    problem, models = problem_and_models
    search = search_for(problem, models, slower=1.0)
    search.try_configurations()
    made = make_for_target(search)
    within = [
        one
        for one in search.trials.candidates
        if one != problem.kept and problem.is_within(one, Budget(search.target.ms or 0.0))
    ]
    assert made == sorted(within, key=models.damage)[:3]


def test_where_a_finalist_misses_the_target_others_are_sought_just_below_it(
    problem_and_models,
) -> None:
    problem, models = problem_and_models
    search = search_for(problem, models, slower=1.2)
    limit = search.target.ms or 0.0
    misses = best_within(problem, models, limit)
    search.trials.run([misses, best_within(problem, models, limit / 2)])
    made = make_for_target(search)
    assert made[0] == misses
    assert all(search.made[one].ms <= limit for one in made[1:])
    best = best_within(problem, models, 0.99 * limit / 1.2)
    assert models.damage(made[1]) <= 1.05 * models.damage(best)


def test_the_first_finalist_keeps_off_the_limit_and_the_next_may_use_it_up(
    problem_and_models,
) -> None:
    problem, models = problem_and_models
    search = search_for(problem, models, slower=1.0)
    at_the_limit = best_within(problem, models, search.target.ms or 0.0)
    limit = 1.001 * problem.predicted_ms(at_the_limit)
    search.target = SearchTarget(ms=limit)
    below = best_within(problem, models, 0.97 * limit)
    search.trials.run([at_the_limit, below])
    assert make_for_target(search)[:2] == [below, at_the_limit]


def test_where_nothing_keeps_off_the_limit_it_is_used_up(problem_and_models) -> None:
    problem, models = problem_and_models
    search = search_for(problem, models, slower=1.0)
    fastest = best_within(problem, models, search.target.ms or 0.0)
    search.target = SearchTarget(ms=1.001 * problem.predicted_ms(fastest))
    search.trials.run([fastest])
    assert make_for_target(search) == [fastest]


def test_switching_below_the_limit_ends_with_the_time_but_is_not_left_out(
    problem_and_models,
) -> None:
    problem, models = problem_and_models

    def tried(deadline: float) -> int:
        search = search_for(problem, models, slower=1.0)
        search.deadline = deadline
        search.trials.run([best_within(problem, models, (search.target.ms or 0.0) / 2)])
        search._best_within()
        return len(search.trials.candidates)

    assert 1 < tried(time.monotonic() - 1) < tried(time.monotonic() + 3600)
