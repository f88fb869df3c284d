"""What levels lose together, as a sum that is fitted to what was tried, and what is best by it.

Near a budget the damage of a model is about the sum of what its levels lose in such company, which
is not what they lose alone. These shares are fitted to all configurations that were tried, those
near the budget first; the configuration that is best by them is tried, and the next fit knows it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import nnls

from bertslim.arrays import FloatArray
from bertslim.progress import Progress
from bertslim.search.levels import Configuration, Level
from bertslim.search.problem import Budget, Problem
from bertslim.search.stitched import Damages
from bertslim.search.trials import Trials

_NEAR = 0.3  # in logarithms of the time: how fast configurations count less away from a budget
_AS_ALONE = 0.3  # how much it counts that levels lose in proportion to what they lose alone
_VARIED = 0.6  # in logarithms: what shares are varied by from the second round on
_LEAST = 1e-9


@dataclass(frozen=True)
class FittedSearch:
    """Tries what is best by fitted damages, again and again.

    Attributes:
        problem: What is chosen from.
        trials: Runs configurations, and has some that were run.
        budgets: What configurations are looked for within.
        rounds: How often each budget gets a fit.
        seed: Settles how shares are varied.
        expired: Whether the time is up.
        progress: Shows the rounds.
    """

    problem: Problem
    trials: Trials
    budgets: Sequence[Budget]
    rounds: int
    seed: int
    expired: Callable[[], bool]
    progress: Progress

    def run(self) -> list[list[Configuration]]:
        """Return what each budget gets, in order; none where none fits."""
        pools: list[dict[Configuration, None]] = [{} for _ in self.budgets]
        draw = np.random.default_rng(self.seed)
        shown = self.progress.track(
            range(self.rounds), "fitting damages", total=self.rounds, unit="round"
        )
        for number in shown:
            for budget, pool in zip(self.budgets, pools, strict=True):
                if self.expired():
                    return list(map(list, pools))
                varied = np.exp((_VARIED if number else 0.0) * draw.normal(size=len(self._levels)))
                fitted = self.damages_near(budget.ms) * varied
                found = self._best(budget, fitted)
                if found is not None:
                    self.trials.run([found])
                    pool[found] = None
        return list(map(list, pools))

    def damages_near(self, ms: float) -> FloatArray:
        """Return what each level loses in models that take about so long, in the order of damages.

        Non-negative least squares of the relative errors, regularised towards a multiple of what
        levels lose alone.

        Args:
            ms: What the models take.
        """
        tried = [one for one in self.trials.candidates if one != self.problem.kept]
        if not tried:
            return self._alone
        self._know(tried)
        parts = np.stack([self._known[one][0] for one in tried]) * self._alone
        damages = np.array([max(self.trials.candidates[one].damage, _LEAST) for one in tried])
        times = np.array([self._known[one][1] for one in tried])
        nearness = np.exp(-0.5 * (np.log(times / ms) / _NEAR) ** 2)
        weights = nearness / damages
        weights /= max(weights.max(), _LEAST)
        share = float(np.average(damages / parts.sum(axis=1).clip(_LEAST), weights=nearness))
        hold = _AS_ALONE * weights.mean() * self._alone.mean()
        rows = np.vstack([parts * weights[:, None], hold * np.eye(len(self._levels))])
        goals = np.concatenate([damages * weights, np.full(len(self._levels), hold * share)])
        factors, _ = nnls(rows, goals)
        return np.asarray(factors * self._alone)

    def _best(self, budget: Budget, fitted: FloatArray) -> Configuration | None:
        damages: Damages = dict(zip(self._levels, map(float, fitted), strict=True))
        ones = [(1.0, 1.0)] * len(self.problem.choices)
        return self.problem.budgets(ones, damages).within(budget.ms, budget.parameters)

    def _know(self, tried: Sequence[Configuration]) -> None:
        """Work out the parts and the time of configurations, each once."""
        for one in tried:
            if one not in self._known:
                self._known[one] = self._parts(one), self.problem.predicted_ms(one)

    def _parts(self, configuration: Configuration) -> FloatArray:
        """Return 1 for each level of a configuration, 0 for the others."""
        parts = np.zeros(len(self._levels))
        for number, levels in enumerate(configuration):
            for level in (None,) if levels is None else levels.levels:
                place = self._places.get((number, level))
                if place is not None:
                    parts[place] = 1.0
        return parts

    @cached_property
    def _known(self) -> dict[Configuration, tuple[FloatArray, float]]:
        """The parts and the predicted time of what was tried."""
        return {}

    @cached_property
    def _levels(self) -> list[tuple[int, Level | None]]:
        return list(self.problem.damages)

    @cached_property
    def _places(self) -> dict[tuple[int, Level | None], int]:
        return {level: place for place, level in enumerate(self._levels)}

    @cached_property
    def _alone(self) -> FloatArray:
        return np.array([max(damage, _LEAST) for damage in self.problem.damages.values()])
