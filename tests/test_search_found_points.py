"""Which of the configurations that were tried a frontier has."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bertslim.search.found_points import FoundPoints
from bertslim.search.levels import Configuration
from bertslim.search.problem import Problem
from bertslim.search.trials import Candidate, Trials
from support.checkpoints import facts_of
from support.searched import checked_problem, drawn_table, few_choices

LAYERS = 3


@pytest.fixture(scope="module")
def problem(tiny_model) -> Problem:
    facts = facts_of(tiny_model("bert", "SequenceClassification", num_hidden_layers=LAYERS))
    choices = few_choices(facts)
    return checked_problem(facts, choices, drawn_table(choices, 0))


def points_of(problem: Problem, candidates: list[Candidate]) -> FoundPoints:
    materials: Any = SimpleNamespace(
        base=SimpleNamespace(facts=problem.facts), samples=64, shape="1x32", tokens=32
    )
    trials = Trials([], candidates={one.configuration: one for one in candidates})
    return FoundPoints(materials, problem, trials, None)


def best_at(problem: Problem, share: float) -> Configuration:
    solved = problem.budgets([(1.0, 1.0)] * LAYERS)
    found = solved.within(share * problem.table.base_ms)
    assert found is not None
    return found


def texts_of(points: FoundPoints) -> list[int]:
    return [point.texts for point in points.all({})]


def test_what_was_run_on_few_texts_stands_where_nothing_else_is_as_fast(problem: Problem) -> None:
    fast, middle, slow = (best_at(problem, share) for share in (0.35, 0.6, 0.9))
    on_few, on_all = Candidate(fast, 0.5, 64), Candidate(slow, 0.1, 1024)
    found = points_of(problem, [on_few, Candidate(middle, 0.01, 64), on_all])
    assert texts_of(found) == [64, 64, 1024]
    found = points_of(problem, [on_few, Candidate(middle, 0.3, 1024), on_all])
    assert texts_of(found) == [64, 1024, 1024]


def test_what_was_run_on_few_texts_gives_way_to_what_was_run_on_all(problem: Problem) -> None:
    fast, middle, slow = (best_at(problem, share) for share in (0.29, 0.6, 0.9))
    on_few = Candidate(middle, 0.01, 64)
    found = points_of(problem, [Candidate(fast, 0.5, 1024), on_few, Candidate(slow, 0.1, 1024)])
    assert texts_of(found) == [1024, 1024]
