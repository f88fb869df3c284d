"""Damages that are fitted to what was tried: shares are found again, and better models with them."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from bertslim.search.fitted_damages import FittedSearch
from bertslim.search.problem import Budget, Problem
from bertslim.search.trials import Trials
from support.checkpoints import facts_of
from support.searched import QUIET, TableOfDamages, drawn_table, few_choices, made_up_table

LAYERS = 3


@pytest.fixture(scope="module")
def facts(tiny_model):
    return facts_of(tiny_model("bert", "SequenceClassification", num_hidden_layers=LAYERS))


def problem_of(models: TableOfDamages, facts) -> Problem:
    choices = few_choices(facts)
    return Problem(facts, choices, models.alone, made_up_table(choices[0]))


def fitted(problem: Problem, trials: Trials, budgets: list[Budget], rounds: int) -> FittedSearch:
    return FittedSearch(problem, trials, budgets, rounds, 0, lambda: False, QUIET)


def test_shares_that_differ_from_what_levels_lose_alone_are_found_again(facts) -> None:
    models = replace(drawn_table(few_choices(facts), 0), together=np.zeros((6, 6)))
    problem = problem_of(models, facts)
    draw = np.random.default_rng(1)
    true = {level: damage * draw.uniform(0.5, 2.0) for level, damage in models.alone.items()}
    trials = Trials([(64, replace(models, alone=true))])  # type: ignore[list-item]
    every = list(itertools.product(*(problem.options(number) for number in range(LAYERS))))
    trials.run(every[int(number)] for number in draw.integers(len(every), size=400))
    base_ms = problem.predicted_ms(problem.kept)
    found = fitted(problem, trials, [], 0).damages_near(0.6 * base_ms)
    expected = np.array(list(true.values()))
    alone = np.array(list(models.alone.values()))
    assert np.abs(np.log(found / expected)).mean() < 0.05
    assert np.abs(np.log(alone / expected)).mean() > 0.3


def test_with_nothing_tried_levels_lose_what_they_lose_alone(facts) -> None:
    models = drawn_table(few_choices(facts), 0)
    problem = problem_of(models, facts)
    found = fitted(problem, Trials([]), [], 0).damages_near(1.0)
    assert found == pytest.approx(np.array(list(models.alone.values())))


@pytest.mark.parametrize("seed", range(3))
def test_what_is_best_by_the_fit_is_better_than_by_damages_alone(seed: int, facts) -> None:
    models = drawn_table(few_choices(facts), seed)
    problem = problem_of(models, facts)
    budget = Budget(0.6 * problem.predicted_ms(problem.kept))
    trials = Trials([(64, models)])  # type: ignore[list-item]
    by_sum = problem.budgets([(1.0, 1.0)] * LAYERS).within(budget.ms)
    assert by_sum is not None
    (pool,) = fitted(problem, trials, [budget], 20).run()
    assert pool[0] == by_sum  # with nothing tried
    assert all(problem.is_within(one, budget) for one in pool)
    assert set(pool) == set(trials.candidates)
    best = min(map(models.damage, pool))
    assert best <= models.damage(by_sum)
    every = itertools.product(*(problem.options(number) for number in range(LAYERS)))
    assert best <= 1.1 * min(models.damage(one) for one in every if problem.is_within(one, budget))


def test_the_same_seed_tries_the_same_and_the_time_is_kept_to(facts) -> None:
    models = drawn_table(few_choices(facts), 0)
    problem = problem_of(models, facts)
    budgets = [Budget(share * problem.predicted_ms(problem.kept)) for share in (0.5, 0.7)]

    def run() -> list:
        return fitted(problem, Trials([(64, models)]), budgets, 4).run()  # type: ignore[list-item]

    assert run() == run()
    late = replace(fitted(problem, Trials([]), budgets, 4), expired=lambda: True)
    assert late.run() == [[], []]
