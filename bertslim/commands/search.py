"""`bertslim search`: read the target -> search -> write the frontier and the chosen model."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bertslim.commands.slim_result import SlimJob, SlimRun, fill_directory
from bertslim.data.load import load_splits
from bertslim.devices import Device, Devices
from bertslim.errors import CannotTell, Infeasible, InputError, OutputError
from bertslim.file_names import FRONTIER_FILE, FRONTIER_PAGE, FRONTIER_PICTURE
from bertslim.measure.environment import usable_threads
from bertslim.measure.gpu import resolve_devices
from bertslim.measure.measure_options import MeasureOptions
from bertslim.measure.shapes import Shape, all_shapes
from bertslim.model.description import describe_checkpoint
from bertslim.model.head_facts import describe_head
from bertslim.model.model_source import ModelSource, find_model
from bertslim.model.tokenizer import check_tokenizer, has_tokenizer
from bertslim.model.unchanged import unchanged
from bertslim.options.search import SearchOptions
from bertslim.output.directory import output_directory
from bertslim.output.inputs import inputs_of
from bertslim.output.writing import writing
from bertslim.progress import Progress
from bertslim.ranks import Ranks, current_ranks
from bertslim.recipe.schema import Recipe
from bertslim.records import Budget, Frontier, FrontierPoint, Record
from bertslim.report.frontier_sections import frontier_page, frontier_picture
from bertslim.report.notebook import frontier_html
from bertslim.search.targets import WrittenTarget, read_target
from bertslim.search.tried_file import tried_path
from bertslim.training.interruption import interruption_of
from bertslim.training.training_options import TrainingOptions

if TYPE_CHECKING:
    from bertslim.commands.cut_work import CutWork
    from bertslim.commands.search_work import SearchWork
    from bertslim.data.splits import Splits

RECIPES = "recipes"


@dataclass(frozen=True)
class SearchResult:
    """What a search found, and where it is written.

    Attributes:
        directory: Where it is.
        frontier: The account.
        record: That of the slim model; None: none was chosen.
    """

    directory: Path
    frontier: Frontier
    record: Record | None

    def _repr_html_(self) -> str:
        """Show the verdict and the points in a notebook."""
        return frontier_html(self.frontier)

    def enforce(self) -> None:
        """Fail if nothing was chosen though it was asked for, or the search was interrupted.

        Raises:
            Infeasible: Nothing that was found is within the target.
            CannotTell: The rows are too few to show that something is.
            KeyboardInterrupt: The search was interrupted.
        """
        if self.frontier.interrupted:
            raise KeyboardInterrupt
        if self.frontier.outcome == "infeasible":
            raise Infeasible(self.frontier.message)
        if self.frontier.outcome == "uncertain":
            raise CannotTell(self.frontier.message, remedy="give more rows, or allow a larger drop")


def search(options: SearchOptions, progress: Progress) -> SearchResult:
    """Search for the best cut of a model within a target, and write what was found.

    An interrupted search writes the best so far. Where several processes were launched together,
    they share the configurations that are tried, the first one does the rest, and all return the
    same frontier.

    Raises:
        InputError: The model, the data, the target or the output is not usable.
        Infeasible: The target is beyond what can be made of the model.
        KeyboardInterrupt: It was interrupted before anything was found.
    """
    run = _prepare(options, progress)
    with TemporaryDirectory(prefix="bertslim-search-") as folder:
        if run.ranks.rank > 0:
            run.start_work(Path(folder)).take_part()
            frontier = Frontier.model_validate_json(run.ranks.from_first(""))
            return SearchResult(run.output, frontier, None)
        result = _search_and_write(run, Path(folder))
    if not result.frontier.interrupted:  # else the other processes are interrupted, too
        run.ranks.from_first(result.frontier.to_json())
    return result


@dataclass(frozen=True)
class _Run:
    """One search, before a weight is read.

    Attributes:
        options: What was asked for.
        target: The same, read.
        source: Where the base is.
        shape: What a call takes.
        output: Where the result goes.
        ranks: The processes that share the work.
        device: Where all is worked out but times.
        progress: Shows the steps.
    """

    options: SearchOptions
    target: WrittenTarget
    source: ModelSource
    shape: Shape
    output: Path
    ranks: Ranks
    device: Device
    progress: Progress

    def start_work(self, folder: Path) -> SearchWork:
        """Load the data, and import the module that computes.

        Args:
            folder: Where files go that are not kept.

        Raises:
            DataError: The data are not usable.
        """
        directory = self.source.directory
        with self.progress.step("read the data"):
            described = describe_checkpoint(directory)
            head = describe_head(directory, described.config, described.facts)
            splits = load_splits(self.options.data, head, self.progress)
        from bertslim.commands.search_work import SearchWork

        return SearchWork(
            self.options,
            self.target,
            self.source,
            splits,
            self.shape,
            folder,
            self.progress,
            self.ranks,
            self.device,
            tried_path(self.output),
        )


def _prepare(options: SearchOptions, progress: Progress) -> _Run:
    """Check what was asked for, as far as no data are needed."""
    target = read_target(
        options.target_latency,
        options.target_params,
        options.target_bytes,
        options.max_accuracy_drop,
    )
    if options.runtime is not None:
        options.runtime.check_installed()
    device = resolve_devices(options.device).work
    source = find_model(options.model, weights=True)
    if not has_tokenizer(source.directory):
        raise InputError(
            "has no tokenizer to read texts with",
            where=str(source.directory),
            remedy="copy the tokenizer's files there",
        )
    check_tokenizer(source.directory)
    described = describe_checkpoint(source.directory)
    lengths = () if options.length is None else (options.length,)
    (shape,) = all_shapes((options.batch,), lengths, described.facts.max_length)
    output = options.output or Path(f"{source.name}-search")
    return _Run(
        options,
        target,
        source,
        shape,
        output,
        current_ranks(device),
        device,
        progress,
    )


def _search_and_write(run: _Run, folder: Path) -> SearchResult:
    options, output = run.options, run.output
    training, tried = interruption_of(output), tried_path(output)
    goes_on = options.resume and tried.exists()
    if tried.exists() and not (options.resume or options.force):
        raise OutputError(
            "a search was interrupted here",
            where=str(tried),
            remedy="go on with --resume, or begin anew with --force",
        )
    with (
        output_directory(
            output,
            inputs=inputs_of(options),
            force=options.force or goes_on,
            when_done=training.clear,
        ) as directory,
        unchanged(run.source.directory),
    ):
        work = run.start_work(folder)
        frontier = work.run()
        try:
            record = _write(work, frontier, directory, output)
        except KeyboardInterrupt:  # training and report take time: the model is there already
            frontier = work.interrupt(frontier)
            training.clear()
            _empty(directory)
            record = _write(work, frontier, directory, output)
    if not frontier.interrupted:
        tried.unlink(missing_ok=True)
    return SearchResult(output, frontier, record)


def _empty(directory: Path) -> None:
    for path in directory.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _write(work: SearchWork, frontier: Frontier, directory: Path, output: Path) -> Record | None:
    """Write the chosen model with its report, and the frontier beside it."""
    chosen = frontier.point(frontier.chosen)
    record = (
        None
        if chosen is None
        else fill_directory(_ChosenRun(work, chosen, output, frontier.budget), directory)
    )
    with writing(output):
        (directory / FRONTIER_FILE).write_text(frontier.to_json(), encoding="utf-8")
        (directory / FRONTIER_PAGE).write_text(frontier_page(frontier), encoding="utf-8")
        (directory / FRONTIER_PICTURE).write_text(frontier_picture(frontier), encoding="utf-8")
        (directory / RECIPES).mkdir()
        for point in frontier.points:
            recipe = Recipe.model_validate(point.recipe).to_yaml()
            (directory / RECIPES / f"{point.name}.yaml").write_text(recipe, encoding="utf-8")
    return record


class _ChosenRun(SlimRun):
    """The point that was chosen, as the result of a cut."""

    def __init__(
        self, work: SearchWork, chosen: FrontierPoint, output: Path, budget: Budget | None
    ) -> None:
        options = work.options
        self.progress = work.progress
        self.job = SlimJob(
            kind="cut",
            source=work.source,
            target=output,
            inputs=inputs_of(options),
            threads=usable_threads(options.threads),
            seed=options.seed,
            training=TrainingOptions(
                output,
                options.seed,
                resume=False,
                force=options.force,
                ranks=Ranks(),
                device=work.device,
            ),
            ranks=Ranks(),
            devices=Devices(work=work.device),
            command=options.command,
            force=options.force,
            budget=budget,
        )
        self._work = work
        self._chosen = chosen

    def load_data(self) -> Splits:
        """Return the data of the search."""
        return self._work.splits

    def start_work(self, splits: Splits | None) -> CutWork:
        """Return the model that was made; an interrupted search leaves out what takes time."""
        from bertslim.commands.cut_work import CutWork

        work, shape = self._work, self._work.report_shape
        measure = MeasureOptions((shape.batch,), (shape.tokens,))
        return CutWork(
            self.job,
            work.prepared(self._chosen),
            splits,
            None if work.interrupted else measure,
            (shape,),
            self.progress,
            made=work.made_slim(self._chosen),
        )
