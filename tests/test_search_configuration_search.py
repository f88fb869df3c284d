"""What a search finds, held to all configurations of a model of three layers."""

from __future__ import annotations

import itertools

import pytest

from bertslim.search.configuration_search import ConfigurationSearch
from bertslim.search.levels import LayerChoices
from bertslim.search.problem import Budget, Problem
from bertslim.search.trials import Trials
from support.checkpoints import facts_of
from support.searched import QUIET, drawn_table, few_choices, made_up_table

LAYERS = 3
SHARES = (0.4, 0.55, 0.7, 0.85)


@pytest.fixture(scope="module")
def choices(tiny_model) -> list[LayerChoices]:
    facts = facts_of(tiny_model("bert", "SequenceClassification", num_hidden_layers=LAYERS))
    return few_choices(facts)


@pytest.mark.parametrize("seed", range(3))
def test_the_best_of_4096_configurations_is_found_within_a_twentieth(
    seed: int, choices, tiny_model
) -> None:
    facts = facts_of(tiny_model("bert", "SequenceClassification", num_hidden_layers=LAYERS))
    models = drawn_table(choices, seed)
    problem = Problem(facts, choices, models.alone, made_up_table(choices[0]))
    every = list(itertools.product(*(problem.options(number) for number in range(LAYERS))))
    assert len(every) == 4096
    base_ms = problem.predicted_ms(problem.kept)
    budgets = [Budget(share * base_ms) for share in SHARES]
    trials = Trials([(64, models)])  # type: ignore[list-item]
    search = ConfigurationSearch(problem, trials, budgets, seed, lambda _: False, QUIET)
    found = search.run()
    for budget in budgets:
        within = [one for one in every if problem.is_within(one, budget)]
        best = min(map(models.damage, within))
        assert problem.is_within(found[budget].configuration, budget)
        assert best <= found[budget].damage <= 1.05 * best
    assert len(trials.candidates) < 0.15 * len(every)


def test_the_time_is_kept_to(choices, tiny_model) -> None:
    facts = facts_of(tiny_model("bert", "SequenceClassification", num_hidden_layers=LAYERS))
    models = drawn_table(choices, 0)
    problem = Problem(facts, choices, models.alone, made_up_table(choices[0]))
    budgets = [Budget(share * problem.predicted_ms(problem.kept)) for share in SHARES]
    trials = Trials([(64, models), (256, models)])  # type: ignore[list-item]
    found = ConfigurationSearch(problem, trials, budgets, 0, lambda _: True, QUIET).run()
    assert list(found) == budgets
    assert {one.texts for one in trials.candidates.values()} == {64}


def test_a_short_time_is_shared_out_over_the_budgets(choices, tiny_model) -> None:
    facts = facts_of(tiny_model("bert", "SequenceClassification", num_hidden_layers=LAYERS))
    models = drawn_table(choices, 0)
    problem = Problem(facts, choices, models.alone, made_up_table(choices[0]))
    budgets = [Budget(share * problem.predicted_ms(problem.kept)) for share in reversed(SHARES)]
    trials = Trials([(64, models), (256, models), (1024, models)])  # type: ignore[list-item]
    asked: list[float] = []

    def expired(share: float) -> bool:  # so that two budgets are run on all texts
        asked.append(share)
        return share < 1 or asked.count(1.0) > 2 * len(budgets) + 2

    found = ConfigurationSearch(problem, trials, budgets, 0, expired, QUIET).run()
    texts = [found[budget].texts for budget in budgets]
    assert texts == sorted(texts, reverse=True)
    assert set(texts) == {256, 1024}
