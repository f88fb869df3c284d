"""The search as a choice within a budget: damages and times of levels to options of layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from bertslim.recipe.sizes import layer_parameters
from bertslim.records import LatencyTable, ModelFacts
from bertslim.search.latency_table import LevelTimes, attends
from bertslim.search.levels import Configuration, LayerChoices, LayerLevels, plan_of
from bertslim.search.solve import Budgets, Choice, Option, Stage, within_both
from bertslim.search.stitched import Damages

SHARES = (0.9, 0.8, 0.7, 0.6, 0.55, 0.5, 0.45, 0.4, 0.35, 0.3)  # of the base's time
_ABOVE, _BELOW = 0, 1  # the states: no layer with attention is above, or one is
Coefficients = Sequence[tuple[float, float]]
"""What damages count, layer by layer: of levels of attention, and of levels of the FFN block."""


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
class Problem:
    """What is chosen from.

    Attributes:
        facts: The shape of the base.
        choices: The levels that each layer may have.
        damages: What each level does alone.
        table: What each level takes.
    """

    facts: ModelFacts
    choices: Sequence[LayerChoices]
    damages: Damages
    table: LatencyTable

    @property
    def kept(self) -> Configuration:
        """The base."""
        return tuple(layer.kept for layer in self.choices)

    @property
    def frontier_budgets(self) -> list[Budget]:
        """What a frontier has the best within, from the slowest."""
        return [Budget(share * self.table.base_ms) for share in SHARES]

    def predicted_ms(self, configuration: Configuration) -> float:
        """Return what a configuration takes by the table."""
        return self._times.predicted(configuration)

    def layer_ms(self, levels: LayerLevels | None) -> float:
        """Return what a layer takes below another one with attention, as the table sums it up."""
        return self._times.of_layer(levels, below=True)

    def parameters(self, configuration: Configuration) -> int:
        """Return how many parameters a configuration has."""
        sizes = zip(self._sizes, configuration, strict=True)
        return self.parameters_outside + sum(size[levels] for size, levels in sizes)

    def is_within(self, configuration: Configuration, budget: Budget) -> bool:
        """Whether a configuration has attention and is within a budget by the table."""
        parameters = budget.parameters
        return (
            any(map(attends, configuration))
            and self.predicted_ms(configuration) <= budget.ms
            and (parameters is None or self.parameters(configuration) <= parameters)
        )

    def budgets(self, coefficients: Coefficients, damages: Damages | None = None) -> SolvedBudgets:
        """Solve for all budgets of time at once.

        Args:
            coefficients: What damages count.
            damages: What each level does; None: what it does alone.
        """
        damages = self.damages if damages is None else damages
        return SolvedBudgets(self, self._stages(coefficients, damages))

    def options(self, number: int) -> list[LayerLevels | None]:
        """Return the levels that a layer may have."""
        return list(self.choices[number].every())

    def to_summed(self, ms: float) -> float:
        """Return what the blocks may add up to in a model that takes so many ms."""
        return (ms - self.table.offset_ms) / self.table.slope - self.table.fixed_ms

    @property
    def fewest_parameters(self) -> int:
        """The parameters of the smallest configuration with attention in one layer."""
        least = [min(sizes.values()) for sizes in self._sizes]
        attending = [
            min(size for levels, size in sizes.items() if attends(levels)) for sizes in self._sizes
        ]
        more = min(size - small for size, small in zip(attending, least, strict=True))
        return self.parameters_outside + sum(least) + more

    def _stages(self, coefficients: Coefficients, damages: Damages) -> list[Stage]:
        """Return the options of all layers, from the top down."""
        numbers = reversed(range(len(self.choices)))
        return [self._stage(number, coefficients[number], damages) for number in numbers]

    def _stage(self, number: int, factors: tuple[float, float], damages: Damages) -> Stage:
        return [
            Option(
                damage=_damage(damages, number, levels, factors),
                costs=(
                    self._times.of_layer(levels, below=False),
                    self._times.of_layer(levels, below=True),
                ),
                leads_to=(_BELOW if attends(levels) else _ABOVE, _BELOW),
                size=self._sizes[number][levels],
            )
            for levels in self.options(number)
        ]

    @cached_property
    def _times(self) -> LevelTimes:
        return LevelTimes(self.table)

    @cached_property
    def _sizes(self) -> list[Mapping[LayerLevels | None, int]]:
        """The parameters of each layer by its levels."""
        return [
            {levels: self._parameters_of(number, levels) for levels in self.options(number)}
            for number in range(len(self.choices))
        ]

    def _parameters_of(self, number: int, levels: LayerLevels | None) -> int:
        if levels is None:
            return 0
        if levels == self.choices[number].kept:
            return layer_parameters(self.facts, self.facts.layers[number])
        changed = (*self.kept[:number], levels, *self.kept[number + 1 :])
        return plan_of(changed, self.facts).record.layers[number].parameters_after

    @cached_property
    def parameters_outside(self) -> int:
        """Parameters that no choice changes."""
        facts = self.facts
        return facts.embedding_parameters + facts.head_parameters + facts.shared_parameters


class SolvedBudgets:
    """The best configurations of all budgets, for damages that count as coefficients say.

    Args:
        problem: What is chosen from.
        stages: Its options, from the top down.
    """

    def __init__(self, problem: Problem, stages: Sequence[Stage]) -> None:
        self._problem = problem
        self._stages = stages
        most = sum(max(max(option.costs) for option in stage) for stage in stages)
        self._solved = Budgets(stages, most, final=_BELOW)

    def within(self, ms: float, parameters: int | None = None) -> Configuration | None:
        """Return the configuration of least damage; None: none is as small as that.

        Args:
            ms: The most that it may take.
            parameters: The most that it may have; None: any number.
        """
        budget = self._problem.to_summed(ms)
        if parameters is None:
            return self._configuration(self._solved.within(budget))
        left = parameters - self._problem.parameters_outside
        return self._configuration(within_both(self._stages, budget, left, final=_BELOW))

    def frontier(self) -> list[Configuration]:
        """Return the configurations that some budget has, from the fastest to the base."""
        found = map(self._configuration, self._solved.frontier())
        return [configuration for configuration in found if configuration is not None]

    def _configuration(self, choice: Choice | None) -> Configuration | None:
        if choice is None:
            return None
        numbers = reversed(range(len(choice.options)))
        levels = [
            self._problem.options(number)[option]
            for number, option in zip(numbers, choice.options, strict=True)
        ]
        return tuple(reversed(levels))


def _damage(
    damages: Damages, number: int, levels: LayerLevels | None, factors: tuple[float, float]
) -> float:
    """Return what a layer's levels do, as coefficients of its two blocks count it."""
    if levels is None:
        return max(0.0, damages[number, None]) * sum(factors) / 2
    parts = zip(levels.levels, factors, strict=True)
    return sum(
        max(0.0, damages[number, level]) * factor for level, factor in parts if level.kind != "kept"
    )
