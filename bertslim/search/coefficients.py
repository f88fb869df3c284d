"""Which configuration is best within each budget: coefficients for damages, tried on texts.

What several blocks lose together is not the sum of what each loses alone. So the damages of each
block are multiplied by a coefficient, the configurations that are best for these are put together
from the library and run, and the coefficients are varied (SPDY, Frantar and Alistarh 2022, arXiv
2201.13096). Most are tried on a few texts, the better ones on more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from bertslim.arrays import FloatArray
from bertslim.progress import Progress
from bertslim.search.levels import Configuration
from bertslim.search.problem import Problem
from bertslim.search.stitched import StitchedModels

LARGEST = 4.0  # coefficients are between its inverse and it
_AT_RANDOM = 0.5  # of the vectors; the others vary the best one
_VARIED = 0.2  # of the coefficients
_KEPT = 0.25  # of the configurations that are tried on more texts
_FEWEST = 2
_LEAST_DAMAGE = 1e-9


@dataclass(frozen=True)
class Budget:
    """What a configuration is looked for within.

    Attributes:
        ms: The most that it may take.
        parameters: The most that it may have; None: any number.
    """

    ms: float
    parameters: int | None = None


@dataclass(frozen=True)
class Candidate:
    """A configuration that was put together and run.

    Attributes:
        configuration: What becomes of each layer.
        damage: On the largest part of the texts that it was run on.
        texts: How many these are.
    """

    configuration: Configuration
    damage: float
    texts: int


@dataclass
class CoefficientSearch:
    """Tries configurations.

    Attributes:
        problem: What is chosen from.
        rungs: Texts to try configurations on, few and then more, by how many they are.
        budgets: What configurations are looked for within.
        vectors: How many vectors of coefficients are tried, that of ones included.
        seed: Settles the coefficients.
        expired: Whether the time is up; then what was found so far counts.
        progress: Shows the vectors.
        candidates: All that were run, by configuration.
    """

    problem: Problem
    rungs: Sequence[tuple[int, StitchedModels]]
    budgets: Sequence[Budget]
    vectors: int
    seed: int
    expired: Callable[[], bool]
    progress: Progress
    candidates: dict[Configuration, Candidate] = field(default_factory=dict)

    def run(self) -> list[list[Candidate]]:
        """Return the configurations found for each budget, from the best; none where none fits.

        Candidates that were run on more texts come before those that were run on fewer.
        """
        pools = self._try_coefficients()
        for texts, models in self.rungs[1:]:
            for pool in pools:
                for configuration in self._better(pool):
                    if self.expired():
                        break
                    self._run(configuration, texts, models)
        return [self._ranked(pool) for pool in pools]

    def _try_coefficients(self) -> list[list[Configuration]]:
        """Return what each budget gets by any of the vectors, in order."""
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
        texts, models = self.rungs[0]
        logs = []
        for budget, pool in zip(self.budgets, pools, strict=True):
            configuration = solved.within(budget.ms, budget.parameters)
            if configuration is None:
                continue
            pool[configuration] = None
            logs.append(
                math.log(max(self._run(configuration, texts, models).damage, _LEAST_DAMAGE))
            )
        return float(np.mean(logs)) if logs else math.inf

    def _run(self, configuration: Configuration, texts: int, models: StitchedModels) -> Candidate:
        known = self.candidates.get(configuration)
        if known is None or known.texts < texts:
            known = Candidate(configuration, models.damage(configuration), texts)
            self.candidates[configuration] = known
        return known

    def _better(self, pool: Sequence[Configuration]) -> list[Configuration]:
        ranked = self._ranked(pool)
        most = ranked[0].texts if ranked else 0
        rung = [one.configuration for one in ranked if one.texts == most]
        return rung[: max(_FEWEST, math.ceil(_KEPT * len(rung)))]

    def _ranked(self, pool: Sequence[Configuration]) -> list[Candidate]:
        run = [self.candidates[configuration] for configuration in pool]
        return sorted(run, key=lambda one: (-one.texts, one.damage))
