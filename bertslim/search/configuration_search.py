"""Which configuration is best within each budget: coefficients first, then level switches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bertslim.progress import Progress
from bertslim.search.coefficients import CoefficientSearch
from bertslim.search.level_switches import LevelSwitches
from bertslim.search.levels import Configuration
from bertslim.search.problem import Budget, Problem
from bertslim.search.trials import Candidate, Trials

_VECTORS = 40
_ROUNDS = 6  # of switches for each budget
_VECTORS_UNTIL, _RUNGS_UNTIL = 0.5, 0.8  # of the time


@dataclass(frozen=True)
class ConfigurationSearch:
    """Tries configurations that are put together from the library.

    Attributes:
        problem: What is chosen from.
        trials: Runs them.
        budgets: What they are looked for within; those that matter most come first.
        seed: Settles what is drawn at random.
        expired: Whether such a share of the time is over.
        progress: Shows the steps.
    """

    problem: Problem
    trials: Trials
    budgets: Sequence[Budget]
    seed: int
    expired: Callable[[float], bool]
    progress: Progress

    def run(self) -> dict[Budget, Candidate]:
        """Return the best of each budget within which there is one."""
        coefficients = CoefficientSearch(
            self.problem,
            self.trials,
            self.budgets,
            vectors=_VECTORS,
            seed=self.seed,
            expired=lambda: self.expired(_VECTORS_UNTIL),
            progress=self.progress,
        )
        pools = zip(self.budgets, coefficients.run(), strict=True)
        best = {budget: self._climb(pool) for budget, pool in pools if pool}
        self._switch(best)
        return best

    def _climb(self, pool: Sequence[Configuration]) -> Candidate:
        """Return the best of a pool, run on more texts while there is time."""
        if self.expired(_RUNGS_UNTIL):
            return self.trials.ranked(pool)[0]
        return self.trials.climb(pool)[0]

    def _switch(self, best: dict[Budget, Candidate]) -> None:
        """Better the candidates of all budgets in turns, while there is time."""
        switches = LevelSwitches(self.problem, self.trials, np.random.default_rng(self.seed))
        for _ in self.progress.track(
            range(_ROUNDS), "switching levels", total=_ROUNDS, unit="round"
        ):
            for budget, parent in best.items():
                if self.expired(1.0):
                    return
                best[budget] = switches.bettered(parent, budget)
