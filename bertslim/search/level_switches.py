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

OFFSPRING = 8
_DRAWS = 20  # for each of the offspring, until one is within the budget
_TWICE = 0.3  # of the offspring, that are switched twice


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

    def bettered(self, parent: Candidate, budget: Budget) -> Candidate:
        """Return the best of a configuration and some that differ from it by a switch or two.

        Args:
            parent: The configuration; it may have been run on few texts.
            budget: What it is within, and what the others have to be within.
        """
        pool = [parent.configuration, *self._offspring(parent.configuration, budget)]
        return self.trials.climb(pool)[0]

    def _offspring(self, parent: Configuration, budget: Budget) -> list[Configuration]:
        found: dict[Configuration, None] = {}
        for _ in range(_DRAWS * OFFSPRING):
            child = self._switched(parent)
            if child is not None and self.draw.random() < _TWICE:
                child = self._switched(child)
            if child is not None and child != parent and self.problem.is_within(child, budget):
                found[child] = None
            if len(found) == OFFSPRING:
                break
        return list(found)

    def _switched(self, parent: Configuration) -> Configuration | None:
        """Return a configuration with a layer that takes less, and another or the same more."""
        child = list(parent)
        for faster in (True, False):
            number = int(self.draw.integers(len(child)))
            near = self._near(number, child[number], faster=faster)
            if not near:
                return None
            child[number] = near[int(self.draw.integers(len(near)))]
        return tuple(child)

    def _near(
        self, number: int, levels: LayerLevels | None, *, faster: bool
    ) -> Sequence[LayerLevels | None]:
        """Return what differs from the levels of a layer in one block, or in whether it is there.

        Args:
            number: Of the layer.
            levels: What becomes of it.
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


def _differ_by_one(levels: LayerLevels | None, other: LayerLevels | None) -> bool:
    if levels is None or other is None:
        return levels is not other
    return (levels.attention == other.attention) != (levels.ffn == other.ffn)
