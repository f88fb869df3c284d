"""Whether a target can be met at all, before a configuration is tried."""

from __future__ import annotations

from collections.abc import Sequence

from bertslim.errors import Infeasible
from bertslim.records import LatencyTable, ModelFacts, SearchTarget
from bertslim.search.levels import LayerChoices
from bertslim.search.problem import Problem


def without_damages(
    facts: ModelFacts, choices: Sequence[LayerChoices], table: LatencyTable
) -> Problem:
    """Return what is chosen from, as if no level did any damage.

    Args:
        facts: The shape of the base.
        choices: The levels that each layer may have.
        table: What each level takes.
    """
    damages = {
        (number, level): 0.0
        for number, layer in enumerate(choices)
        for level in (*layer.levels, None)
    }
    return Problem(facts, choices, damages, table)


def require_feasible(problem: Problem, target: SearchTarget, most: int | None) -> None:
    """Refuse a target that the smallest configuration is not within.

    Args:
        problem: What is chosen from.
        target: What was asked for.
        most: The most parameters by the target; None: any number.

    Raises:
        Infeasible: The target is beyond what the levels allow.
    """
    solved = problem.budgets([(1.0, 1.0)] * len(problem.choices))
    least_ms = problem.predicted_ms(solved.frontier()[0])
    if target.ms is not None and target.ms < least_ms:
        share = least_ms / problem.table.base_ms
        raise Infeasible(
            f"{target.ms:.3g} ms is beyond what the levels allow: the fastest that keeps "
            f"attention in one layer takes {least_ms:.3g} ms, {share:.2f} of the base's time",
            where="--target-latency",
        )
    ms = target.ms or problem.predicted_ms(problem.kept)
    if most is not None and solved.within(ms, most) is None:
        raise Infeasible(
            f"{most:,} parameters are beyond what the levels allow within {ms:.3g} ms: the "
            f"fewest at any time are {problem.fewest_parameters:,}",
            where="--target-params" if target.parameters == most else "--target-bytes",
        )
