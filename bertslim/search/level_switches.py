"""A configuration bettered step by step: one block loses more, and another one less for it.

Evolutionary search by level switches (EvoPress, Sieberling et al. 2024, arXiv 2410.14649): a few
offspring of the best configuration are run on few texts, the better ones on more, and the best is
the parent of the next ones. What blocks lose together is seen in full, where coefficients can only
weigh what each loses alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bertslim.search.levels import Configuration, LayerLevels
from bertslim.search.problem import Budget, Problem
from bertslim.search.trials import Candidate, Trials

OFFSPRING = 16
_DRAWS = 4  # for each of the offspring, as some are drawn again
_TWICE = 0.5  # of the offspring, that are switched twice
_OF_OTHERS = 0.3  # of the offspring, that are of the best of another budget
_FILLED = 0.5  # of the offspring, whose blocks then lose as little as the budget allows


@dataclass(frozen=True)
class LevelSwitches:
    """Betters configurations within their budgets.

    Attributes:
        problem: What is chosen from.
        trials: Runs them.
        draw: Settles the switches.
    """

    problem: Problem
    trials: Trials
    draw: np.random.Generator

    def bettered(
        self, parent: Candidate, budget: Budget, others: Sequence[Configuration] = ()
    ) -> Candidate:
        """Return the best of a configuration and some that differ from it by a switch or two.

        Args:
            parent: The configuration; it may have been run on few texts.
            budget: What it is within, and what the others have to be within.
            others: The best of other budgets, which some of the offspring are of.
        """
        offspring = self._offspring(parent.configuration, budget, others)
        pool = dict.fromkeys([parent.configuration, *offspring])
        return self.trials.climb(list(pool))[0]

    def _offspring(
        self, parent: Configuration, budget: Budget, others: Sequence[Configuration]
    ) -> list[Configuration]:
        found: dict[Configuration, None] = {}
        for _ in range(_DRAWS * OFFSPRING):
            of_another = others and self.draw.random() < _OF_OTHERS
            child = others[int(self.draw.integers(len(others)))] if of_another else parent
            for _ in range(2 if self.draw.random() < _TWICE else 1):
                child = self._switched(child)
            smaller = self._shrunk(child, budget)
            if smaller is None:
                continue
            filled = self.draw.random() < _FILLED
            found[self._filled(smaller, budget) if filled else smaller] = None
            if len(found) == OFFSPRING:
                break
        return list(found)

    def _switched(self, parent: Configuration) -> Configuration:
        """Return a configuration with a layer that takes less, and another or the same more."""
        child = parent
        for faster in (True, False):
            number = int(self.draw.integers(len(child)))
            near = self._near(number, child[number], faster=faster)
            if near:
                child = _with(child, number, near[int(self.draw.integers(len(near)))])
        return child

    def _shrunk(self, child: Configuration, budget: Budget) -> Configuration | None:
        """Return a configuration whose blocks lose more, at random, until it is within a budget."""
        while not self.problem.is_within(child, budget):
            smaller = [
                _with(child, number, near)
                for number, levels in enumerate(child)
                for near in self._near(number, levels, faster=True)
            ]
            if not smaller:
                return None
            child = smaller[int(self.draw.integers(len(smaller)))]
        return child

    def _filled(self, child: Configuration, budget: Budget) -> Configuration:
        """Return a configuration whose blocks lose less, at random, until nothing more fits in."""
        while True:
            larger = [
                other
                for number, levels in enumerate(child)
                for near in self._near(number, levels, faster=False)
                if self.problem.is_within(other := _with(child, number, near), budget)
            ]
            if not larger:
                return child
            child = larger[int(self.draw.integers(len(larger)))]

    def _near(
        self, number: int, levels: LayerLevels | None, *, faster: bool
    ) -> Sequence[LayerLevels | None]:
        """Return what differs from the levels of a layer in one block, or in whether it is there.

        Args:
            number: Of the layer.
            levels: Its levels.
            faster: Whether it is to take less, or more.
        """
        ms = self._layer_ms[number]
        return [
            other
            for other in self.problem.options(number)
            if _differ_by_one(levels, other)
            and (ms[other] < ms[levels] if faster else ms[other] > ms[levels])
        ]

    @cached_property
    def _layer_ms(self) -> list[dict[LayerLevels | None, float]]:
        """What each option of each layer takes below another one with attention."""
        return [
            {levels: self.problem.layer_ms(levels) for levels in self.problem.options(number)}
            for number in range(len(self.problem.choices))
        ]


def _with(configuration: Configuration, number: int, levels: LayerLevels | None) -> Configuration:
    return (*configuration[:number], levels, *configuration[number + 1 :])


def _differ_by_one(levels: LayerLevels | None, other: LayerLevels | None) -> bool:
    if levels is None or other is None:
        return levels is not other
    return (levels.attention == other.attention) != (levels.ffn == other.ffn)
