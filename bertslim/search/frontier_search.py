"""The order of a search: what is tried, what is made of it, and what is found so far."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from bertslim.ranks import Ranks
from bertslim.records import SearchTarget
from bertslim.search.configuration_search import ConfigurationSearch
from bertslim.search.found_points import FoundPoints
from bertslim.search.level_switches import LevelSwitches
from bertslim.search.levels import Configuration
from bertslim.search.making import Made, Maker
from bertslim.search.problem import Budget, Problem
from bertslim.search.shipped import comparable_plans
from bertslim.search.trials import Trials

_SHARE_OF_TIME = 0.5  # for configurations that are only put together, the rest for finalists
_WITHIN = 3  # finalists within a target, of which the best is chosen
_TRIES = 6
_FIRST = 0.97  # of a limit in time, before any model shows what predictions are worth
_SAFER = 0.99  # of a limit that was missed
_SWITCHES = 4  # rounds within a budget that is corrected


@dataclass
class FrontierSearch:
    """A search; what it has found so far can be read at any time.

    Attributes:
        problem: What is chosen from.
        trials: Runs configurations that are put together.
        maker: Makes those that are best.
        points: Names and describes what was found.
        target: What is asked for.
        most_parameters: The most parameters by the target; None: any number.
        began: When configurations can be tried, by the monotonic clock.
        deadline: When the time is up.
        made: What was made so far, by configuration.
        shipped: What was made of shipped recipes, by name; it is not chosen from.
    """

    problem: Problem
    trials: Trials
    maker: Maker
    points: FoundPoints
    target: SearchTarget
    most_parameters: int | None
    began: float
    deadline: float
    made: dict[Configuration, Made] = field(default_factory=dict)
    shipped: dict[str, Made] = field(default_factory=dict)

    def run(self) -> None:
        """Try configurations, then make those that are best for each budget while time is left.

        One is made in any case; those that are asked for come first.
        """
        best = self.try_configurations()
        with self.maker.materials.progress.step("make finalists"):
            for configuration in self._asked_for():
                self._make(configuration)
            for configuration in self._in_order(best):
                if self.made and self._expired():
                    return
                self._make(configuration)
        self._make_shipped()

    def make_best_so_far(self) -> None:
        """Make the one of those that were tried that comes nearest to what was asked for."""
        best = self._best_tried(self._limit) or self._best_in_the_middle()
        if best is not None:
            self._make(best)

    def _best_in_the_middle(self) -> Configuration | None:
        """Return the best that should take at most half of the base's time, or the fastest."""
        tried = [one for one in self.trials.candidates if one != self.problem.kept]
        half = Budget(self.problem.table.base_ms / 2)
        within = [one for one in tried if self.problem.is_within(one, half)]
        if within:
            return self.trials.ranked(within)[0].configuration
        return min(tried, key=self.problem.predicted_ms, default=None)

    def try_configurations(self) -> list[Configuration]:
        """Return the best configuration of each budget, each once. All processes take part."""
        materials = self.maker.materials
        search = ConfigurationSearch(
            self.problem,
            self.trials,
            list(self._budgets()),
            materials.seed,
            lambda share: self.trials.ranks.agreed(self._expired(share * _SHARE_OF_TIME)),
            materials.progress,
        )
        with materials.progress.step("try configurations"):
            found = search.run()
        found_once = dict.fromkeys(one.configuration for one in found.values())
        return [one for one in found_once if one != self.problem.kept]

    def _budgets(self) -> Iterator[Budget]:
        base_ms, parameters = self.problem.table.base_ms, self.most_parameters
        if self.target.ms is not None or parameters is not None:
            slowest = max(self.problem.predicted_ms(self.problem.kept), base_ms)
            yield Budget(self.target.ms or slowest, parameters)
        yield from self.problem.frontier_budgets

    def _asked_for(self) -> Iterator[Configuration]:
        """Yield what should be within the target, until a few of those that were made are.

        When the time is up one is enough.
        """
        if self.target.ms is None and self.most_parameters is None:
            return
        for _ in range(_TRIES):
            within = sum(map(self._is_in_time, self.made.values()))
            best = self._best_within()
            if best is None or within == _WITHIN or (within and self._expired()):
                return
            yield best

    def _is_in_time(self, made: Made) -> bool:
        return self.target.ms is None or made.ms <= self.target.ms

    def _best_within(self) -> Configuration | None:
        """Return the best that is not made yet and should be within the target.

        Predictions are corrected by what those that were made so far took. Few were tried just
        below a limit in time, so that the best of them is bettered there first.
        """
        limit = self._limit
        careful = self._careful(limit)
        if careful is not None and (best := self._best_tried(careful)) is not None:
            return self._bettered(best, careful)
        return self._best_tried(limit)

    @property
    def _limit(self) -> Budget:
        ms = math.inf if self.target.ms is None else self.target.ms / self._slower
        return Budget(ms, self.most_parameters)

    def _careful(self, limit: Budget) -> Budget | None:
        """Return the limit to keep to where the next one might miss it; None: it may be used up."""
        if self.target.ms is None or (self.made and all(map(self._is_in_time, self.made.values()))):
            return None
        return replace(limit, ms=limit.ms * (_SAFER if self.made else _FIRST))

    def _best_tried(self, budget: Budget) -> Configuration | None:
        """Return the best within a budget of those that were tried and are not made yet."""
        fitting = [
            configuration
            for configuration in self.trials.candidates
            if configuration != self.problem.kept
            and configuration not in self.made
            and self.problem.is_within(configuration, budget)
        ]
        ranked = self.trials.ranked(fitting)
        return ranked[0].configuration if ranked else None

    def _bettered(self, start: Configuration, budget: Budget) -> Configuration:
        """Switch levels of a configuration, and of those that were made, within a budget.

        The first process does this alone, once at least, and again while there is time.
        """
        alone = replace(self.trials, ranks=Ranks())
        draw = np.random.default_rng(self.maker.materials.seed + len(self.made))
        switches = LevelSwitches(self.problem, alone, draw)
        best = self.trials.candidates[start]
        for number in range(_SWITCHES):
            if number and self._expired():
                break
            best = switches.bettered(best, budget, list(self.made))
        return start if best.configuration in self.made else best.configuration

    @property
    def _slower(self) -> float:
        """How many times as long as predicted those take that were made, at the median.

        At least 1: one that seems faster than predicted may be so by chance, and would let in
        others that are beyond the target.
        """
        ratios = [
            made.ms / self.problem.predicted_ms(configuration)
            for configuration, made in self.made.items()
        ]
        return max(1.0, float(np.median(ratios))) if ratios else 1.0

    def _in_order(self, best: Sequence[Configuration]) -> Iterator[Configuration]:
        """Yield the best of each budget: those towards a drop, then all, evenly over the times."""
        ordered = sorted(best, key=self.problem.predicted_ms)
        if self.target.drop is not None:
            yield from self._towards_drop(ordered, self.target.drop)
        for number in _spread(len(ordered)):
            if ordered[number] not in self.made:
                yield ordered[number]

    def _towards_drop(
        self, ordered: Sequence[Configuration], allowed: float
    ) -> Iterator[Configuration]:
        """Yield configurations towards the fastest that is within the drop, by halving."""
        low, high = 0, len(ordered)
        while low < high:
            middle = (low + high) // 2
            if ordered[middle] not in self.made:
                yield ordered[middle]
            drop = self.made[ordered[middle]].judged.drop
            if drop is not None and 100 * drop.bound(len(self.made)) <= allowed:
                high = middle
            else:
                low = middle + 1

    def _make(self, configuration: Configuration) -> None:
        name = f"finalist-{len(self.made)}"
        self.made[configuration] = self.maker.make(name, self.points.plan_of(configuration, name))

    def _make_shipped(self) -> None:
        """Carry out shipped recipes for comparison, while there is time."""
        maker = self.maker
        with maker.materials.progress.step("make shipped recipes"):
            for name, plan in comparable_plans(maker.materials, maker.surveyed):
                if self._expired():
                    return
                self.shipped[name] = maker.make(f"shipped-{name}", plan)

    def _expired(self, share: float = 1.0) -> bool:
        """Whether so much of the time for trials and finalists is over."""
        until = self.began + share * (self.deadline - self.began)
        return time.monotonic() > until


def _spread(count: int) -> list[int]:
    """Return numbers below a count in an order that covers them evenly from the first few on."""
    order, spans = [], [(0, count)]
    while spans:
        low, high = spans.pop(0)
        if low < high:
            middle = (low + high) // 2
            order.append(middle)
            spans += [(low, middle), (middle + 1, high)]
    return order
