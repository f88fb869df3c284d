"""Which configuration is best within each budget: coefficients, fitted damages, level switches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bertslim.progress import Progress
from bertslim.search.coefficients import CoefficientSearch
from bertslim.search.fitted_damages import FittedSearch
from bertslim.search.level_switches import LevelSwitches
from bertslim.search.levels import Configuration
from bertslim.search.problem import Budget, Problem
from bertslim.search.trials import Candidate, Trials

_VECTORS = 20
_FITS = 30  # for each budget
_ROUNDS = 24  # of switches for each budget, at most
_GOOD = 6  # of those that were tried within a budget, that others are made of
_PATIENCE = 4  # rounds without a better one, after which a budget has none
_VECTORS_UNTIL, _FITS_UNTIL = 0.25, 0.45  # of the time


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
        fitted = FittedSearch(
            self.problem,
            self.trials,
            self.budgets,
            rounds=_FITS,
            seed=self.seed,
            expired=lambda: self.expired(_FITS_UNTIL),
            progress=self.progress,
        )
        found = zip(self.budgets, coefficients.run(), fitted.run(), strict=True)
        pools = {budget: dict.fromkeys([*first, *then]) for budget, first, then in found}
        for budget, pool in pools.items():
            pool.update(dict.fromkeys(self._good(budget) if pool else ()))
        best = self._climbed({budget: list(pool) for budget, pool in pools.items() if pool})
        self._switch(best)
        return best

    def _climbed(self, pools: dict[Budget, list[Configuration]]) -> dict[Budget, Candidate]:
        """Return the best of each pool, all of them run on more and more texts while there is time.

        Each rung has all budgets before the next one has any, so that a short time is shared out.
        """
        left = dict(pools)
        for rung in range(len(self.trials.rungs)):
            for budget, pool in left.items():
                if self.expired(1.0):
                    break
                left[budget] = self.trials.better_quarter(pool, rung)
        return {budget: self.trials.ranked(pool)[0] for budget, pool in pools.items()}

    def _switch(self, best: dict[Budget, Candidate]) -> None:
        """Better the candidates of all budgets in turns, while that helps and there is time."""
        in_vain = dict.fromkeys(best, 0)
        switches = LevelSwitches(self.problem, self.trials, np.random.default_rng(self.seed))
        for _ in self.progress.track(
            range(_ROUNDS), "switching levels", total=_ROUNDS, unit="round"
        ):
            for budget in [one for one in best if in_vain[one] < _PATIENCE]:
                if self.expired(1.0):
                    return
                parent = best[budget]
                others = [*self._good(budget), *(one.configuration for one in best.values())]
                best[budget] = switches.bettered(parent, budget, others)
                same = best[budget].configuration == parent.configuration
                in_vain[budget] = in_vain[budget] + 1 if same else 0

    def _good(self, budget: Budget) -> list[Configuration]:
        """Return the best within a budget of all that were tried, for whichever budget."""
        within = [one for one in self.trials.candidates if self.problem.is_within(one, budget)]
        ranked = sorted(within, key=lambda one: self.trials.candidates[one].damage)
        return ranked[:_GOOD]
