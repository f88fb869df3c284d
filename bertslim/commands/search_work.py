"""The work of `bertslim search`: measure, solve, try, make, and give an account of it."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from bertslim.commands.make_slim import MadeSlim
from bertslim.commands.prepare_cut import Prepared
from bertslim.commands.publish import now, record_of
from bertslim.data.splits import Splits
from bertslim.devices import Device
from bertslim.errors import DataError
from bertslim.measure.environment import describe_environment, usable_threads
from bertslim.measure.gpu import gpu_name
from bertslim.measure.shapes import Shape
from bertslim.model.checkpoint import Checkpoint, load_checkpoint
from bertslim.model.model_source import ModelSource
from bertslim.model.tokenizer import load_tokenizer
from bertslim.options.search import SearchOptions
from bertslim.progress import Progress
from bertslim.ranks import Ranks
from bertslim.recipe.schema import Recipe, Reconstruct
from bertslim.records import Frontier, FrontierPoint, LatencyTable, SearchTarget
from bertslim.search.feasible import require_feasible, without_damages
from bertslim.search.found_points import FoundPoints
from bertslim.search.frontier_search import FrontierSearch
from bertslim.search.latency_table import LevelTimes
from bertslim.search.levels import LayerChoices, limited, loaded, possible_choices
from bertslim.search.making import Maker
from bertslim.search.materials import Materials, SearchTexts
from bertslim.search.outcome import Verdict, hurried, judge
from bertslim.search.problem import Problem
from bertslim.search.targets import WrittenTarget, most_parameters
from bertslim.search.timing import Timing, settle_timing
from bertslim.search.trials import Trials
from bertslim.search.tried_file import TriedFile
from bertslim.version import __version__

_UNDONE = "interrupted before a configuration was made: times and damages are predicted"


@dataclass
class SearchWork:
    """The work of one search.

    Attributes:
        options: What was asked for.
        target: The same, read.
        source: Where the base is.
        splits: The data.
        shape: What a call takes.
        folder: Where files go that are not kept.
        progress: Shows the steps.
        ranks: The processes that share the configurations that are tried.
        device: Where all is worked out but times.
        tried_path: Where it is kept what was tried, until the search is done.
        interrupted: Whether the search was ended before it was done.
    """

    options: SearchOptions
    target: WrittenTarget
    source: ModelSource
    splits: Splits
    shape: Shape
    folder: Path
    progress: Progress
    ranks: Ranks
    device: Device
    tried_path: Path
    interrupted: bool = False
    _timing: Timing = field(init=False)
    _search: FrontierSearch = field(init=False)
    _tried_file: TriedFile = field(init=False)

    def run(self) -> Frontier:
        """Search, and return the account; an interrupted one ends with what was found.

        Raises:
            ModelError: The model cannot be searched.
            DataError: The rows have no labels, and a drop in accuracy was limited.
            Infeasible: What was asked for is beyond what can be made of the model.
            KeyboardInterrupt: It was interrupted before anything was found.
        """
        self._prepare()
        try:
            self._search.run()
        except KeyboardInterrupt:
            self.interrupted = True
            self._keep_tried()
            self._make_best_so_far()
        points = self._search.points.all(self._search.made)
        if self.interrupted and not points:
            raise KeyboardInterrupt
        return self._account(tuple(points))

    def take_part(self) -> None:
        """Run the part of all other processes than the first: try configurations together."""
        self._prepare()
        self._search.try_configurations()

    def _prepare(self) -> None:
        """Do what comes before configurations are tried; the first process measures the table."""
        torch.set_num_threads(self._threads)
        self._require_labels()
        self._timing = settle_timing(
            self._materials, self._choices, self.options.runtime, self.ranks
        )
        self._require_feasible()
        self._search = self._start(self._timing, time.monotonic() + 60 * self.options.minutes)

    def _make_best_so_far(self) -> None:
        """Make a model of what was tried, if a target was given and none is made yet."""
        search = self._search
        if search.made or not search.target.asked or not search.trials.candidates:
            return
        self.progress.tell("making the best so far; another Ctrl-C leaves it out")
        with suppress(KeyboardInterrupt):
            search.make_best_so_far()

    def interrupt(self, frontier: Frontier) -> Frontier:
        """Return the account of a search whose report is left out."""
        self.interrupted = True
        return frontier.model_copy(update={"interrupted": True})

    def made_slim(self, point: FrontierPoint) -> MadeSlim:
        """Return a configuration that was made as a slim model."""
        made = next(one for one in self._search.made.values() if one.plan.record == point.plan)
        slim = load_checkpoint(made.directory)
        return MadeSlim(self.base, slim.model, point.plan, None, made.repairs, self.base.notes)

    def prepared(self, point: FrontierPoint) -> Prepared:
        """Return a point as the cut by its recipe, with the training that was asked for."""
        base, minutes = self.base, self.options.retrain_minutes
        training = {} if minutes is None or self.interrupted else {"retrain": {"minutes": minutes}}
        recipe = loaded(Recipe.model_validate(point.recipe | training))
        tokens = self._materials.tokens
        return Prepared(self.source, recipe, base.config, base.facts, tokens, base.notes)

    @property
    def report_shape(self) -> Shape:
        """What a call takes in the report: as many tokens as texts have on average."""
        return Shape(self.shape.batch, self._materials.tokens)

    @property
    def base(self) -> Checkpoint:
        """The base, in float32."""
        return self._loaded[0]

    @property
    def _dtype(self) -> torch.dtype:
        """What it is stored in."""
        return self._loaded[1]

    @cached_property
    def _loaded(self) -> tuple[Checkpoint, torch.dtype]:
        with self.progress.step("load"):
            base = load_checkpoint(self.source.directory)
        dtype = base.model.dtype
        base.model.float()
        return base, dtype

    @cached_property
    def _materials(self) -> Materials:
        base = self.base
        samples = Reconstruct().samples
        texts = SearchTexts.of(
            self.splits,
            samples,
            all_of_select=self.target.drop is not None,
            seed=self.options.seed,
        )
        folder = self.folder / "files"
        folder.mkdir()
        return Materials(
            base=base,
            dtype=self._dtype,
            tokenizer=load_tokenizer(self.source.directory),
            texts=texts,
            samples=samples,
            folder=folder,
            shape=self.shape,
            threads=self._threads,
            seed=self.options.seed,
            progress=self.progress,
            device=self.device,
        )

    @cached_property
    def _choices(self) -> tuple[LayerChoices, ...]:
        choices = possible_choices(self.base.facts)
        return tuple(limited(layer, self.options.levels) for layer in choices)

    def _require_labels(self) -> None:
        if self.target.drop is not None and not self.splits.select.scorable:
            raise DataError(
                "the drop in accuracy cannot be judged: the rows have no labels",
                where="--max-accuracy-drop",
                remedy="name their column with --label-column, or give labelled rows",
            )

    def _require_feasible(self) -> None:
        table = self._timing.table
        problem = without_damages(self.base.facts, self._choices, table)
        target = self._target(table)
        require_feasible(problem, target, self._most_parameters(problem, target))

    def _start(self, timing: Timing, deadline: float) -> FrontierSearch:
        materials, table = self._materials, timing.table
        times = LevelTimes(table)
        choices = tuple(times.worthwhile(layer) for layer in self._choices)
        surveyed = materials.survey(choices)
        library = materials.library(choices, surveyed.scores)
        damages = materials.damages(choices, library)
        problem = Problem(self.base.facts, choices, damages, table)
        folder = self.folder / "finalists"
        folder.mkdir()
        trials = Trials(materials.rungs(library), self.ranks)
        self._take_up(trials, problem)
        target = self._target(table)
        return FrontierSearch(
            problem,
            trials,
            Maker(materials, timing.runtime.writer, surveyed, table.base_ms, folder),
            FoundPoints(materials, problem, trials, target.drop),
            target,
            self._most_parameters(problem, target),
            time.monotonic(),
            deadline,
        )

    def _take_up(self, trials: Trials, problem: Problem) -> None:
        """Go on from what an interrupted search had tried, and keep what this one tries."""
        file = TriedFile(self.tried_path, self._request)
        if self.options.resume and self.tried_path.exists():
            trials.candidates.update(file.read(problem))
            self.progress.tell(f"the search goes on: {len(trials.candidates)} were tried before")
        if self.ranks.rank == 0:
            trials.after_run = lambda tried: file.write_now_and_then(problem, tried.candidates)
            self._tried_file = file

    @property
    def _request(self) -> dict[str, Any]:
        """All that settles what a configuration loses."""
        return {
            "bertslim": __version__,
            "model": record_of(self.source).sha256,
            "data": self.splits.fit.sha256,
            "samples": self._materials.samples,
            "seed": self.options.seed,
        }

    def _keep_tried(self) -> None:
        """Leave what was tried for a search that goes on."""
        self._tried_file.write(self._search.problem, self._search.trials.candidates)

    def _target(self, table: LatencyTable) -> SearchTarget:
        return self.target.beside(table.base_ms)

    def _most_parameters(self, problem: Problem, target: SearchTarget) -> int | None:
        whole = problem.parameters(problem.kept)
        return most_parameters(target, whole, self.base.weights.size, self._dtype.itemsize)

    def _account(self, points: tuple[FrontierPoint, ...]) -> Frontier:
        table = self._timing.table
        target = self._target(table)
        made = any(point.solved for point in points)
        verdict = judge(points, target) if made else Verdict("frontier", None, _UNDONE)
        base, search = self.base, self._search
        return Frontier(
            bertslim=__version__,
            created=now(),
            command=self.options.command,
            seed=self.options.seed,
            base=record_of(self.source),
            base_parameters=search.problem.parameters(search.problem.kept),
            base_bytes=base.weights.size,
            data=self.splits.record,
            environment=describe_environment(self._threads, gpu=gpu_name(self.device)),
            device=self.device,
            table=table,
            runtimes=self._timing.runtime.tried,
            target=target,
            measure=self._measure,
            samples=self._materials.samples,
            evaluations=len(search.trials.candidates),
            points=points,
            shipped=tuple(search.points.shipped(search.shipped)),
            outcome=verdict.outcome,
            chosen=verdict.chosen.name if verdict.chosen else None,
            message=verdict.message,
            interrupted=self.interrupted,
            steps=self.progress.steps,
            notes=(*self.splits.notes, *base.notes, *hurried(points, search.trials.most_texts)),
        )

    @property
    def _measure(self) -> str:
        if self.base.facts.head == "":
            return "1 - cosine"
        return "1 - correlation" if self.base.is_regression else "KL in nats"

    @property
    def _threads(self) -> int:
        return usable_threads(self.options.threads)
