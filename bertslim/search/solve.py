"""The choice of an option for each layer with the least damage within a budget.

Damages and costs add up over the layers (multiple-choice knapsack). What an option costs may depend
on the layers decided before it, by way of a state: an exported classifier computes one token only
in its topmost layer with attention, so that the layers are decided from the top down, and the state
says whether there is attention above.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bertslim.arrays import FloatArray, IntArray

BUCKETS = 2000
_ROUNDING = 1e-9  # of a bucket, that a cost may be above a whole number of them


@dataclass(frozen=True)
class Option:
    """One choice for a layer.

    Attributes:
        damage: What it does to the model, 0 or more.
        costs: What it costs in each state, such as ms.
        leads_to: The state behind it, from each state.
        size: What it takes of a second resource, such as parameters.
    """

    damage: float
    costs: tuple[float, ...]
    leads_to: tuple[int, ...] = (0,)
    size: float = 0.0


Stage = Sequence[Option]
"""The options of one layer."""


@dataclass(frozen=True)
class Choice:
    """An option for each stage.

    Attributes:
        options: The number of the option of each stage.
        damage: Of all of them.
        cost: Of all of them.
        size: Of all of them.
    """

    options: tuple[int, ...]
    damage: float
    cost: float
    size: float

    @classmethod
    def of(cls, stages: Sequence[Stage], options: Sequence[int]) -> Choice:
        """Add up what options have, from state 0 on."""
        state, damage, cost, size = 0, 0.0, 0.0, 0.0
        for stage, number in zip(stages, options, strict=True):
            option = stage[number]
            damage, size = damage + option.damage, size + option.size
            cost, state = cost + option.costs[state], option.leads_to[state]
        return cls(tuple(options), damage, cost, size)


class Budgets:
    """The best choices for all budgets at once, by dynamic programming over buckets of cost.

    A cost is rounded up to whole buckets, so that no choice exceeds its budget; the best choice
    within a budget may be missed where it fits by less than a bucket a stage.

    Args:
        stages: In the order in which they are decided, from state 0 on.
        most: The largest budget.
        final: The state that the last stage has to lead to.
        buckets: How many the largest budget is divided into.
    """

    def __init__(
        self, stages: Sequence[Stage], most: float, *, final: int = 0, buckets: int = BUCKETS
    ) -> None:
        self._stages = stages
        self._unit = most / buckets
        self._final = final
        self._steps: list[_Step] = []
        states = max(max(option.leads_to) for stage in stages for option in stage) + 1
        best = np.full((states, buckets + 1), math.inf)
        best[0] = 0.0
        for stage in stages:
            self._steps.append(self._decide(stage, best))
            best = self._steps[-1].best

    def within(self, budget: float) -> Choice | None:
        """Return the choice of least damage within a budget; None: there is none."""
        bucket = min(math.floor(budget / self._unit + _ROUNDING), self._best.shape[1] - 1)
        if bucket < 0 or not math.isfinite(self._best[self._final, bucket]):
            return None
        return Choice.of(self._stages, self._trace(bucket))

    def frontier(self) -> list[Choice]:
        """Return the choices that some budget has, from the cheapest to the dearest.

        Each does less damage than the ones before it.
        """
        damages = self._best[self._final]
        falls = np.flatnonzero(damages < np.concatenate([[math.inf], damages[:-1]]))
        return [Choice.of(self._stages, self._trace(int(bucket))) for bucket in falls]

    @property
    def _best(self) -> FloatArray:
        return self._steps[-1].best

    def _decide(self, stage: Stage, before: FloatArray) -> _Step:
        step = _Step.empty(before.shape)
        buckets = before.shape[1]
        for number, option in enumerate(stage):
            for state, (cost, after) in enumerate(zip(option.costs, option.leads_to, strict=True)):
                shift = math.ceil(cost / self._unit - _ROUNDING)
                if shift >= buckets:
                    continue
                damage = np.full(buckets, math.inf)
                damage[shift:] = before[state, : buckets - shift] + option.damage
                better = damage < step.best[after]
                step.best[after, better] = damage[better]
                step.option[after, better] = number
                step.state[after, better] = state
                step.bucket[after, better] = np.flatnonzero(better) - shift
        return step

    def _trace(self, bucket: int) -> list[int]:
        state, options = self._final, []
        for step in reversed(self._steps):
            place = state, bucket
            options.append(int(step.option[place]))
            state, bucket = int(step.state[place]), int(step.bucket[place])
        return options[::-1]


@dataclass(frozen=True)
class _Step:
    """What is best behind a stage, by state and bucket, and how one comes there.

    Attributes:
        best: The least damage, (states, buckets).
        option: The option chosen, of the same shape, as the two below.
        state: The state before.
        bucket: The bucket before.
    """

    best: FloatArray
    option: IntArray
    state: IntArray
    bucket: IntArray

    @classmethod
    def empty(cls, shape: tuple[int, ...]) -> _Step:
        return cls(np.full(shape, math.inf), *(np.zeros(shape, dtype=np.int64) for _ in range(3)))


def within_both(
    stages: Sequence[Stage], cost: float, size: float, *, final: int = 0
) -> Choice | None:
    """Return the choice of least damage within two limits, by integer programming.

    A choice is a path through the states from stage to stage, with a variable of 0 or 1 a step.

    Args:
        stages: In the order in which they are decided, from state 0 on.
        cost: The most that all options together may cost.
        size: The most of the second resource that they may take.
        final: The state that the last stage has to lead to.

    Returns:
        None: there is no such choice.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    graph = _Paths(stages, final)
    limits = [
        LinearConstraint(graph.flow, graph.supply, graph.supply),
        LinearConstraint(graph.costs[None], -math.inf, cost),
        LinearConstraint(graph.sizes[None], -math.inf, size),
    ]
    solved = milp(
        graph.damages,
        constraints=limits,
        integrality=np.ones(len(graph.damages)),
        bounds=Bounds(0, 1),
    )
    if not solved.success:
        return None
    taken = sorted(graph.arcs[place] for place in np.flatnonzero(solved.x > 0.5))
    return Choice.of(stages, [option for _, option, _ in taken])


class _Paths:
    """Choices as paths: an arc is (stage, option, state before)."""

    def __init__(self, stages: Sequence[Stage], final: int) -> None:
        self._stages = stages
        self._final = final

    @cached_property
    def arcs(self) -> list[tuple[int, int, int]]:
        return [
            (number, place, state)
            for number, stage in enumerate(self._stages)
            for place, option in enumerate(stage)
            for state in range(len(option.costs))
        ]

    def _options(self) -> Iterator[tuple[Option, int]]:
        for number, place, state in self.arcs:
            yield self._stages[number][place], state

    @cached_property
    def damages(self) -> FloatArray:
        return np.array([option.damage for option, _ in self._options()])

    @cached_property
    def costs(self) -> FloatArray:
        return np.array([option.costs[state] for option, state in self._options()])

    @cached_property
    def sizes(self) -> FloatArray:
        return np.array([option.size for option, _ in self._options()])

    @cached_property
    def flow(self) -> FloatArray:
        """What leaves each place less what comes to it; a place is a state before a stage."""
        states = max(len(option.costs) for option, _ in self._options())
        flow = np.zeros(((len(self._stages) + 1) * states, len(self.arcs)))
        for arc, (number, place, state) in enumerate(self.arcs):
            after = self._stages[number][place].leads_to[state]
            flow[number * states + state, arc] += 1
            flow[(number + 1) * states + after, arc] -= 1
        return flow

    @cached_property
    def supply(self) -> FloatArray:
        """One path begins in state 0 before the first stage and ends behind the last."""
        supply = np.zeros(len(self.flow))
        states = len(self.flow) // (len(self._stages) + 1)
        supply[0] += 1
        supply[len(self._stages) * states + self._final] -= 1
        return supply
