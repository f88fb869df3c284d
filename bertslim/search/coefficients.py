"""Which configuration is best within each budget: coefficients for damages, tried on texts.

What several blocks lose together is not the sum of what each loses alone. So the damages of each
block are multiplied by a coefficient, the configurations that are best for these are put together
from the library and run, and the coefficients are varied (SPDY, Frantar and Alistarh 2022, arXiv
2201.13096).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bertslim.arrays import FloatArray
from bertslim.progress import Progress
from bertslim.search.levels import Configuration
from bertslim.search.problem import Budget, Problem
from bertslim.search.trials import Trials

LARGEST = 4.0  # coefficients are between its inverse and it
_AT_RANDOM = 0.5  # of the vectors; the others vary the best one
_VARIED = 0.2  # of the coefficients
_LEAST_DAMAGE = 1e-9


@dataclass(frozen=True)
class CoefficientSearch:
    """Tries configurations.

    Attributes:
        problem: What is chosen from.
        trials: Runs configurations.
        budgets: What configurations are looked for within.
        vectors: How many vectors of coefficients are tried, that of ones included.
        seed: Settles the coefficients.
        expired: Whether the time is up; the vector of ones is tried in any case.
        progress: Shows the vectors.
    """

    problem: Problem
    trials: Trials
    budgets: Sequence[Budget]
    vectors: int
    seed: int
    expired: Callable[[], bool]
    progress: Progress

    def run(self) -> list[list[Configuration]]:
        """Return what each budget gets by any of the vectors, in order; none where none fits."""
        pools: list[dict[Configuration, None]] = [{} for _ in self.budgets]
        draw = np.random.default_rng(self.seed)
        best, best_vector = math.inf, np.zeros(2 * len(self.problem.choices))
        shown = self.progress.track(
            range(self.vectors), "trying configurations", total=self.vectors, unit="vector"
        )
        for number in shown:
            if number and self.expired():
                break
            vector = self._vector(number, draw, best_vector)
            damage = self._try(vector, pools)
            if damage < best:
                best, best_vector = damage, vector
        return [list(pool) for pool in pools]

    def _vector(self, number: int, draw: np.random.Generator, best: FloatArray) -> FloatArray:
        """Return the logarithms of coefficients, as shares of that of the largest."""
        if number == 0:
            return best
        fresh = draw.uniform(-1, 1, len(best))
        if number < _AT_RANDOM * self.vectors:
            return fresh
        varied = draw.random(len(best)) < _VARIED
        varied[draw.integers(len(best))] = True
        return np.where(varied, fresh, best)

    def _try(self, vector: FloatArray, pools: Sequence[dict[Configuration, None]]) -> float:
        """Run what is best for coefficients; return the mean logarithm of the damages."""
        factors = (LARGEST**vector).reshape(-1, 2)
        solved = self.problem.budgets([(float(a), float(f)) for a, f in factors])
        found = [solved.within(budget.ms, budget.parameters) for budget in self.budgets]
        for configuration, pool in zip(found, pools, strict=True):
            if configuration is not None:
                pool[configuration] = None
        run = self.trials.run(one for one in found if one is not None)
        logs = [math.log(max(one.damage, _LEAST_DAMAGE)) for one in run]
        return float(np.mean(logs)) if logs else math.inf
