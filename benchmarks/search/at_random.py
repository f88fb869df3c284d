"""Configurations drawn at random, as many as a search tries, from the same library of levels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.search.prepare import prepare_materials
from bertslim.measure.shapes import Shape
from bertslim.recipe.schema import Recipe
from bertslim.records import Frontier
from bertslim.search.latency_table import LevelTimes
from bertslim.search.levels import Configuration, possible_choices, recipe_of
from bertslim.search.materials import Materials
from bertslim.search.problem import SHARES, Budget, Problem
from bertslim.search.trials import Trials


@dataclass(frozen=True)
class RandomSearch:
    """Draws configurations within budgets, and runs them as a search runs its own.

    Attributes:
        base: The model.
        data: The rows that the search had.
        frontier: What the search found: its table, its texts and how many it tried.
        shares: Of the base's time, that the best within is asked for.
        seed: Settles the draw.
    """

    base: Path
    data: str
    frontier: Frontier
    shares: Sequence[float]
    seed: int

    def recipes(self) -> dict[str, Recipe]:
        """Return the recipe of the best for each share, by its name.

        Configurations are drawn for all budgets that a search has, as many for each.
        """
        with TemporaryDirectory() as folder:
            materials = self._materials(Path(folder))
            problem, trials = self._prepare(materials)
            draw = np.random.default_rng(self.seed)
            for budget in problem.frontier_budgets:
                trials.climb(list(self._drawn(problem, budget, draw)))
            found = {}
            for share in self.shares:
                budget = Budget(share * problem.table.base_ms)
                within = [one for one in trials.candidates if problem.is_within(one, budget)]
                best = trials.ranked(within)[0].configuration
                name = f"random-{share:g}x"
                found[name] = recipe_of(best, samples=materials.samples, name=name)
        return found

    def _drawn(
        self, problem: Problem, budget: Budget, draw: np.random.Generator
    ) -> Iterator[Configuration]:
        """Yield different configurations, each of levels drawn until it is within the budget.

        Those that take much less than they may are drawn anew, so that none is handicapped.
        """
        count = max(1, self.frontier.evaluations // len(SHARES))
        seen: set[Configuration] = set()
        while len(seen) < count:
            configuration = problem.kept
            while not problem.is_within(configuration, budget):
                number = int(draw.integers(len(configuration)))
                options = problem.options(number)
                levels = options[int(draw.integers(len(options)))]
                configuration = (*configuration[:number], levels, *configuration[number + 1 :])
            if problem.predicted_ms(configuration) < 0.9 * budget.ms or configuration in seen:
                continue
            seen.add(configuration)
            yield configuration

    def _prepare(self, materials: Materials) -> tuple[Problem, Trials]:
        table, facts = self.frontier.table, materials.base.facts
        times = LevelTimes(table)
        choices = tuple(times.worthwhile(layer) for layer in possible_choices(facts))
        library = materials.library(choices, materials.survey(choices).scores)
        return Problem(facts, choices, {}, table), Trials(materials.rungs(library))

    def _materials(self, folder: Path) -> Materials:
        table = self.frontier.table
        assert isinstance(table.length, int)
        return prepare_materials(
            self.base,
            self.data,
            folder,
            samples=self.frontier.samples,
            shape=Shape(table.batch, table.length),
            threads=table.threads,
            seed=self.seed,
        )
