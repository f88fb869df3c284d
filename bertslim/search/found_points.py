"""What a search found, as the points of a frontier."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bertslim.recipe.plan import CutPlan, make_plan
from bertslim.records import Drop, FrontierPoint, ShippedPoint, Solved
from bertslim.search.certify import rows_needed
from bertslim.search.finalists import Judged
from bertslim.search.levels import Configuration, loaded, recipe_of
from bertslim.search.making import Made
from bertslim.search.materials import Materials
from bertslim.search.problem import Problem
from bertslim.search.trials import Candidate, Trials


@dataclass(frozen=True)
class FoundPoints:
    """Names and describes configurations.

    Attributes:
        materials: What is searched.
        problem: What is chosen from.
        trials: What was run.
        allowed: The drop that was asked for, in hundredths; None: none was.
    """

    materials: Materials
    problem: Problem
    trials: Trials
    allowed: float | None

    def plan_of(self, configuration: Configuration, name: str) -> CutPlan:
        """Work out the recipe of a configuration, as it is written."""
        materials = self.materials
        description = (
            f"Found by bertslim search for {self._share(configuration):.2f} of the time in "
            f"{self.problem.table.runtime} at {materials.shape}; needs texts."
        )
        recipe = recipe_of(
            configuration, samples=materials.samples, name=name, description=description
        )
        return make_plan(loaded(recipe), materials.base.facts, length=materials.tokens)

    def all(self, made: Mapping[Configuration, Made]) -> list[FrontierPoint]:
        """Return what was made and what else is on the frontier, from the fastest.

        Args:
            made: What was made, by configuration.
        """
        candidates = self.trials.candidates
        seen = [one for one in candidates.values() if one.configuration != self.problem.kept]
        shown = [candidates[configuration] for configuration in made]
        on_frontier = dict.fromkeys([*self._frontier(seen), *self._best_within_budgets(seen)])
        shown += [one for one in on_frontier if one.configuration not in made]
        points: dict[str, FrontierPoint] = {}
        for candidate in shown:
            name = self._free_name(candidate, points)
            solved = made.get(candidate.configuration)
            points[name] = self._point(
                name, candidate, None if solved is None else self._solved(solved, len(made))
            )
        return sorted(points.values(), key=lambda point: point.predicted_ms)

    def shipped(self, made: Mapping[str, Made]) -> list[ShippedPoint]:
        """Return shipped recipes, from the fastest.

        Args:
            made: What was made of them, by name.
        """
        points = [
            ShippedPoint(
                name=name,
                parameters=one.plan.record.slim.parameters,
                solved=self._solved(one, finalists=1),
            )
            for name, one in made.items()
        ]
        return sorted(points, key=lambda point: point.solved.ms)

    def _frontier(self, seen: Sequence[Candidate]) -> list[Candidate]:
        """Return those that no other beats in both time and damage, by those run on most texts."""
        most = max((one.texts for one in seen), default=0)
        left: list[Candidate] = []
        by_time = sorted(
            (one for one in seen if one.texts == most),
            key=lambda one: (self.problem.predicted_ms(one.configuration), one.damage),
        )
        for one in by_time:
            if not left or one.damage < left[-1].damage:
                left.append(one)
        return left

    def _best_within_budgets(self, seen: Sequence[Candidate]) -> Iterator[Candidate]:
        """Yield the best of each budget, which was run on few texts where the time was short."""
        for budget in self.problem.frontier_budgets:
            within = (
                one.configuration
                for one in seen
                if self.problem.is_within(one.configuration, budget)
            )
            yield from self.trials.ranked(within)[:1]

    def _free_name(self, candidate: Candidate, taken: Collection[str]) -> str:
        share = self._share(candidate.configuration)
        name, number = f"{share:.2f}x", 1
        while name in taken:
            number += 1
            name = f"{share:.2f}x-{number}"
        return name

    def _share(self, configuration: Configuration) -> float:
        """Return what a configuration should take, as a share of the base's time."""
        return self.problem.predicted_ms(configuration) / self.problem.table.base_ms

    def _point(self, name: str, candidate: Candidate, solved: Solved | None) -> FrontierPoint:
        plan = self.plan_of(candidate.configuration, f"found-{name}")
        return FrontierPoint(
            name=name,
            recipe=plan.recipe.model_dump(mode="json", exclude_none=True),
            plan=plan.record,
            predicted_ms=self.problem.predicted_ms(candidate.configuration),
            damage=candidate.damage,
            texts=candidate.texts,
            solved=solved,
        )

    def _solved(self, made: Made, finalists: int) -> Solved:
        return Solved(
            damage=made.judged.damage,
            drop=self._drop(made.judged, finalists),
            bytes=made.bytes,
            ms=made.ms,
            ratio=made.timed.ratio,
            median_ratio=made.timed.median_ratio,
            interval=made.timed.interval,
        )

    def _drop(self, judged: Judged, finalists: int) -> Drop | None:
        if judged.drop is None or judged.metric is None:
            return None
        needed = None
        if self.allowed is not None:
            needed = rows_needed(judged.drop, self.allowed / 100, finalists)
        return Drop(
            metric=judged.metric,
            base=judged.base,
            slim=judged.slim,
            rows=int(judged.drop.rows),
            bound=judged.drop.bound(finalists),
            rows_needed=needed,
        )
