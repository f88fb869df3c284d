"""The order of a search: what is tried, what is made of it, and what is found so far."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bertslim.model.checkpoint import save_checkpoint
from bertslim.model.checkpoint_files import find_weights
from bertslim.recipe.plan import CutPlan, make_plan
from bertslim.records import Drop, FrontierPoint, Repair, SearchTarget, Solved
from bertslim.search.certify import rows_needed
from bertslim.search.coefficients import Budget, Candidate, CoefficientSearch
from bertslim.search.finalists import Judged, judge_finalist, make_finalist
from bertslim.search.levels import Configuration, loaded, recipe_of
from bertslim.search.library import Scores
from bertslim.search.materials import Materials
from bertslim.search.problem import Problem
from bertslim.search.stitched import StitchedModels
from bertslim.search.timed_files import RuntimeTime, as_checkpoint, time_models

SHARES = (0.9, 0.8, 0.7, 0.6, 0.55, 0.5, 0.45, 0.4, 0.35, 0.3)  # of the base's time
_VECTORS = 40
_SHARE_OF_TIME = 0.5  # of what is left, for configurations that are only put together
_TRIES = 3
_SAFER = 0.99  # of a budget that was missed
_SECONDS = 2.0  # to time a finalist


@dataclass(frozen=True)
class Made:
    """A configuration that was made, judged and timed.

    Attributes:
        candidate: The configuration.
        plan: Its recipe, worked out.
        repairs: What was solved.
        judged: What it is worth on the select split.
        timed: What it takes beside the base.
        ms: The same in the time of the table, which is free of drift.
        bytes: Of its weights.
        directory: Where it is saved.
    """

    candidate: Candidate
    plan: CutPlan
    repairs: tuple[Repair, ...]
    judged: Judged
    timed: RuntimeTime
    ms: float
    bytes: int
    directory: Path


@dataclass
class FrontierSearch:
    """A search; what it has found so far can be read at any time.

    Attributes:
        materials: What is searched.
        problem: What is chosen from.
        scores: Of the base's neurons.
        rungs: Texts that configurations are tried on, few and then more.
        target: What is asked for.
        most_parameters: The most parameters by the target; None: any number.
        deadline: When the time is up, by the monotonic clock.
        folder: Where finalists are saved.
        made: Those that were made so far.
        tried: The configurations that were run, once there are any.
    """

    materials: Materials
    problem: Problem
    scores: Scores
    rungs: Sequence[tuple[int, StitchedModels]]
    target: SearchTarget
    most_parameters: int | None
    deadline: float
    folder: Path
    made: list[Made] = field(default_factory=list)
    tried: CoefficientSearch | None = None

    def run(self) -> None:
        """Try configurations, then make those that are best for each budget while time is left.

        One is made in any case; those that are asked for come first.
        """
        pools = self._try()
        with self.materials.progress.step("make finalists"):
            for candidate in self._in_order(pools):
                if self.made and time.monotonic() > self.deadline:
                    break
                self._make(candidate)

    def _try(self) -> list[Candidate]:
        """Return the best candidate of each budget, each once."""
        materials = self.materials
        began = time.monotonic()
        until = began + _SHARE_OF_TIME * (self.deadline - began)
        self.tried = CoefficientSearch(
            self.problem,
            self.rungs,
            list(self._budgets()),
            vectors=_VECTORS,
            seed=materials.seed,
            expired=lambda: time.monotonic() > until,
            progress=materials.progress,
        )
        with materials.progress.step("try configurations"):
            pools = self.tried.run()
        best = (pool[0] for pool in pools if pool)
        return list({one.configuration: one for one in best if self._changed(one)}.values())

    def _budgets(self) -> Iterator[Budget]:
        parameters = self.most_parameters
        if self.target.ms is not None or parameters is not None:
            slowest = max(self.problem.predicted_ms(self.problem.kept), self._base_ms)
            yield Budget(self.target.ms or slowest, parameters)
        for share in SHARES:
            yield Budget(share * self._base_ms)

    def _in_order(self, pools: Sequence[Candidate]) -> Iterator[Candidate]:
        """Yield candidates, those that are asked for first."""
        if self.target.ms is not None or self.most_parameters is not None:
            yield from self._within_target()
        ordered = sorted(pools, key=lambda one: self.problem.predicted_ms(one.configuration))
        if self.target.drop is not None:
            yield from self._towards_drop(ordered)
        for number in _spread(len(ordered)):
            if self._made_from(ordered[number]) is None:
                yield ordered[number]

    def _within_target(self) -> Iterator[Candidate]:
        """Yield what should be within the target; where it is not, what should be more surely."""
        ms = self.target.ms
        for _ in range(_TRIES):
            candidate = self._best_within(ms)
            if candidate is None or self._made_from(candidate) is not None:
                return
            yield candidate
            last = self.made[-1]
            if ms is None or self.target.ms is None or last.ms <= self.target.ms:
                return
            ms *= _SAFER * self.target.ms / last.ms

    def _best_within(self, ms: float | None) -> Candidate | None:
        assert self.tried is not None  # noqa: S101
        parameters = self.most_parameters
        fitting = [
            candidate
            for candidate in self.tried.candidates.values()
            if self._changed(candidate)
            and (ms is None or self.problem.predicted_ms(candidate.configuration) <= ms)
            and (
                parameters is None or self.problem.parameters(candidate.configuration) <= parameters
            )
        ]
        return min(fitting, key=lambda one: (-one.texts, one.damage), default=None)

    def _towards_drop(self, ordered: Sequence[Candidate]) -> Iterator[Candidate]:
        """Yield candidates towards the fastest that is within the drop, by halving."""
        low, high = 0, len(ordered)
        while low < high:
            middle = (low + high) // 2
            if self._made_from(ordered[middle]) is None:
                yield ordered[middle]
            made = self._made_from(ordered[middle])
            assert made is not None  # noqa: S101
            drop = made.judged.drop
            assert self.target.drop is not None  # noqa: S101
            if drop is not None and 100 * drop.bound(len(self.made)) <= self.target.drop:
                high = middle
            else:
                low = middle + 1

    def _make(self, candidate: Candidate) -> None:
        materials = self.materials
        name = f"finalist-{len(self.made)}"
        plan = self.plan_of(candidate.configuration, name)
        finalist = make_finalist(
            materials.base,
            plan,
            materials.calibration,
            self.scores,
            dtype=materials.dtype,
            seed=materials.seed,
            progress=materials.progress,
        )
        directory = self.folder / name
        base = materials.base
        save_checkpoint(finalist.model, directory, base.extra, base.config)
        finalist.model.float()
        judged = judge_finalist(
            base, finalist.model, materials.select, materials.select_batches, seed=materials.seed
        )
        written = materials.writer.write(name, as_checkpoint(base, finalist.model, plan))
        timed = time_models(
            materials.writer.base_file,
            {name: written},
            materials.shape,
            threads=materials.threads,
            seconds=_SECONDS,
            seed=materials.seed,
            progress=materials.progress,
        )[name]
        size = find_weights(directory).size
        self.made.append(
            Made(
                candidate,
                plan,
                finalist.repairs,
                judged,
                timed,
                timed.ratio * self._base_ms,
                size,
                directory,
            )
        )
        materials.progress.tell(self._told(self.made[-1]))

    def _told(self, made: Made) -> str:
        drop = made.judged.drop
        points = "" if drop is None else f", {100 * drop.drop:.2f} points lost"
        return (
            f"made: {made.timed.ratio:.2f} of the base's time "
            f"({made.ms:.3g} ms), damage {made.judged.damage:.3g}{points}"
        )

    def plan_of(self, configuration: Configuration, name: str) -> CutPlan:
        """Work out the recipe of a configuration, as it is written."""
        materials = self.materials
        share = self.problem.predicted_ms(configuration) / self._base_ms
        description = (
            f"Found by bertslim search for {share:.2f} of the time in {materials.runtime} "
            f"at {materials.shape}; needs texts."
        )
        recipe = recipe_of(
            configuration, samples=materials.samples, name=name, description=description
        )
        return make_plan(loaded(recipe), materials.base.facts, length=materials.shape.length)

    def points(self) -> list[FrontierPoint]:
        """Return what was found so far, from the fastest: what was made, and the frontier."""
        made = {one.candidate.configuration: one for one in self.made}
        candidates = [one.candidate for one in self.made]
        if self.tried is not None:
            seen = [one for one in self.tried.candidates.values() if self._changed(one)]
            candidates += [one for one in self._frontier(seen) if one.configuration not in made]
        points: dict[str, FrontierPoint] = {}
        for candidate in candidates:
            name = self._free_name(candidate, points)
            points[name] = self._point(name, candidate, made.get(candidate.configuration))
        return sorted(points.values(), key=lambda point: point.predicted_ms)

    def made_of(self, point: FrontierPoint) -> Made:
        """Return what was made of a point."""
        return next(one for one in self.made if one.plan.record == point.plan)

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

    def _free_name(self, candidate: Candidate, taken: dict[str, FrontierPoint]) -> str:
        share = self.problem.predicted_ms(candidate.configuration) / self._base_ms
        name, number = f"{share:.2f}x", 1
        while name in taken:
            number += 1
            name = f"{share:.2f}x-{number}"
        return name

    def _point(self, name: str, candidate: Candidate, made: Made | None) -> FrontierPoint:
        plan = self.plan_of(candidate.configuration, f"found-{name}")
        return FrontierPoint(
            name=name,
            recipe=plan.recipe.model_dump(mode="json", exclude_none=True),
            plan=plan.record,
            predicted_ms=self.problem.predicted_ms(candidate.configuration),
            damage=candidate.damage,
            texts=candidate.texts,
            solved=None if made is None else self._solved(made),
        )

    def _solved(self, made: Made) -> Solved:
        judged, timed = made.judged, made.timed
        return Solved(
            damage=judged.damage,
            drop=self._drop(judged),
            bytes=made.bytes,
            ms=made.ms,
            ratio=timed.ratio,
            median_ratio=timed.median_ratio,
            interval=timed.interval,
        )

    def _drop(self, judged: Judged) -> Drop | None:
        if judged.drop is None or judged.metric is None:
            return None
        finalists, allowed = len(self.made), self.target.drop
        return Drop(
            metric=judged.metric,
            base=judged.base,
            slim=judged.slim,
            rows=int(judged.drop.rows),
            bound=judged.drop.bound(finalists),
            rows_needed=None
            if allowed is None
            else rows_needed(judged.drop, allowed / 100, finalists),
        )

    def _changed(self, candidate: Candidate) -> bool:
        return candidate.configuration != self.problem.kept

    def _made_from(self, candidate: Candidate) -> Made | None:
        """Return what was made of a candidate; None: nothing yet."""
        same = (one for one in self.made if one.candidate.configuration == candidate.configuration)
        return next(same, None)

    @property
    def _base_ms(self) -> float:
        return self.problem.table.base_ms


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
