"""`bertslim bench`: find models and runtimes -> time them taking turns -> compare."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bertslim.commands.bench_models import Entrant, find_entrants
from bertslim.data.data_options import DataOptions
from bertslim.errors import BertslimError, CannotTell, InputError
from bertslim.measure.draw_texts import draw_texts
from bertslim.measure.environment import describe_environment, usable_threads
from bertslim.measure.input_limits import InputLimits, read_limits, shared_limits
from bertslim.measure.latency import MIN_ROUNDS, WARM_UP_SECONDS, LatencyBench, run_launches
from bertslim.measure.latency_process import WorkerProcess
from bertslim.measure.runtimes import UNASKED
from bertslim.measure.shapes import Shape, all_shapes, shape_of
from bertslim.measure.text_sample import TextSample
from bertslim.options.bench import BenchOptions
from bertslim.progress import Progress
from bertslim.records import BenchResult, Measurement, TimedTexts, TimeRatio, Timing

Figures = dict[tuple[str, Shape], Measurement]


def bench(options: BenchOptions, progress: Progress) -> BenchResult:
    """Time models in several runtimes, all taking turns.

    Raises:
        InputError: A model or a runtime is not available, or a shape is not possible.
        DataError: The data are missing or broken, or do not fit the first model.
        BertslimError: A model could not be loaded or run.
        CannotTell: The machine is too busy for times at any of the shapes.
    """
    entrants = find_entrants(options.models, options.runtimes)
    limits = shared_limits(map(read_limits, {entrant.path for entrant in entrants}))
    shapes = all_shapes(options.batches, options.lengths, limits.max_length)
    with TemporaryDirectory(prefix="bertslim-") as folder:
        if options.data is not None:
            with progress.step("read the data"):
                entrants = _with_texts(entrants, options.data, options.seed, Path(folder))
        return _bench(entrants, shapes, limits, options, progress)


def _with_texts(
    entrants: Sequence[Entrant], data: DataOptions, seed: int, folder: Path
) -> tuple[Entrant, ...]:
    """Draw texts, and write them into a folder as each model reads them."""
    for entrant in entrants:
        if entrant.runtime.row.per_shape:
            raise InputError(
                "is compiled for each shape, and texts have many",
                where=entrant.runtime.value,
                remedy="leave it out, or leave out --length data",
            )
    files: dict[Path, Path] = {}
    samples = draw_texts((entrant.path for entrant in entrants), data, seed=seed)
    for number, (path, sample) in enumerate(samples.items()):
        files[path] = folder / f"{number}.npz"
        sample.write(files[path])
    return tuple(entrant.on_texts(files[entrant.path]) for entrant in entrants)


def _bench(
    entrants: tuple[Entrant, ...],
    shapes: Sequence[Shape],
    limits: InputLimits,
    options: BenchOptions,
    progress: Progress,
) -> BenchResult:
    notes = [] if options.runtimes else list(_missing(entrants))
    if not options.runtimes and (doubtful := [entrant for entrant in entrants if entrant.may_fail]):
        programs = dict.fromkeys(entrant.runtime.program for entrant in doubtful)
        with progress.step(f"try {' and '.join(programs)}"):
            refused = _refused(doubtful, options, limits, shapes[0])
        entrants = tuple(
            entrant for entrant in entrants if _model_and_package(entrant) not in refused
        )
        notes += refused.values()
    with progress.step("measure latency"):
        measured = _measure(entrants, shapes, options, progress)
    packages = dict.fromkeys(["transformers", *(entrant.runtime.package for entrant in entrants)])
    return BenchResult(
        timings=measured.timings,
        texts=measured.texts,
        environment=describe_environment(usable_threads(options.threads), tuple(packages)),
        launches=options.launches,
        seed=options.seed,
        notes=(*notes, *measured.disturbance),
    )


def _missing(entrants: Sequence[Entrant]) -> Iterator[str]:
    """Note the programs that would run one of the models, and are not installed."""
    paths = {entrant.path for entrant in entrants}
    absent = [runtime for runtime in UNASKED if any(map(runtime.takes, paths))]
    absent = [runtime for runtime in absent if not runtime.installed]
    for program, by in dict.fromkeys((runtime.program, runtime.installation) for runtime in absent):
        yield f"{program} is left out: it is not installed ({by})"


def _refused(
    doubtful: Sequence[Entrant], options: BenchOptions, limits: InputLimits, shape: Shape
) -> dict[tuple[str, str], str]:
    """Try each model once a package; return notes on those that fail, by model and package."""
    first: dict[tuple[str, str], Entrant] = {}
    for entrant in doubtful:
        first.setdefault(_model_and_package(entrant), entrant)
    refused = {}
    for key, entrant in first.items():
        try:
            _try(entrant, options, limits, shape)
        except BertslimError as error:
            refused[key] = f"{entrant.name} is left out of {entrant.runtime.program}: {error.what}"
    return refused


def _model_and_package(entrant: Entrant) -> tuple[str, str]:
    return entrant.name, entrant.runtime.package


def _try(entrant: Entrant, options: BenchOptions, limits: InputLimits, shape: Shape) -> None:
    worker = WorkerProcess(
        entrant.model, usable_threads(options.threads), limits.vocabulary, options.seed
    )
    with closing(worker):
        worker.wait_until_loaded()
        worker.warm_up(shape, WARM_UP_SECONDS)


@dataclass(frozen=True)
class _Measured:
    """The times of all models, the texts of the length "data", and notes on disturbances."""

    timings: tuple[Timing, ...]
    texts: TimedTexts | None
    disturbance: tuple[str, ...]


def _measure(
    entrants: Sequence[Entrant],
    shapes: Sequence[Shape],
    options: BenchOptions,
    progress: Progress,
) -> _Measured:
    """Time all of them at each shape."""
    models = {str(number): entrant.model for number, entrant in enumerate(entrants)}
    with LatencyBench(
        models,
        shapes,
        threads=usable_threads(options.threads),
        seed=options.seed,
        progress=progress,
        min_rounds=math.ceil(MIN_ROUNDS / options.launches),
    ) as running:
        run_launches(running, options.launches, options.seconds * len(entrants))
    comparisons = _Comparisons(entrants, running)
    doubts = running.compare(None, "0")
    told = [shape for shape in shapes if shape not in doubts.doubts]
    if not told:
        raise CannotTell("; ".join(doubts.notes), remedy="allow more --seconds, or try again later")
    timings = tuple(timing for shape in told for timing in comparisons.timings(shape))
    notes = (*doubts.notes, *running.disturbance())
    return _Measured(timings, _timed_texts(running.texts_of("0")), notes)


def _timed_texts(sample: TextSample | None) -> TimedTexts | None:
    if sample is None:
        return None
    return TimedTexts(
        source=sample.source,
        texts=len(sample),
        tokens=float(sample.lengths.mean()),
        longest=int(sample.lengths.max()),
    )


class _Comparisons:
    """The figures of all pairs of entrants, by their numbers."""

    def __init__(self, entrants: Sequence[Entrant], running: LatencyBench) -> None:
        self._entrants = entrants
        self._running = running
        self._compared: dict[tuple[int, int], Figures] = {}

    def timings(self, shape: Shape) -> Iterator[Timing]:
        """All entrants at one shape."""
        medians = [self._ms("latency", number, shape) for number in range(len(self._entrants))]
        quickest = medians.index(min(medians))
        for number, entrant in enumerate(self._entrants):
            median = self._figures(number, number)["latency", shape]
            to_first = self._ratio(0, number, shape)
            to_quickest = self._ratio(quickest, number, shape)
            yield Timing(
                model=entrant.name,
                runtime=entrant.runtime.value,
                dtype=str(median.context["dtype"]),
                batch=shape.batch,
                length=shape.length,
                tokens=float(median.context.get("tokens", median.context["length"])),
                padding=float(median.context.get("padding", 0.0)),
                median_ms=medians[number],
                p90_ms=self._ms("latency.p90", number, shape),
                p99_ms=self._ms("latency.p99", number, shape),
                texts_per_second=self._running.texts_per_second(str(number), shape),
                calls=int(median.context["runs"]),
                to_first=to_first,
                to_base=self._ratio(self._base_of(entrant), number, shape)
                if not entrant.first
                else None,
                fastest=to_quickest is None or to_quickest.interval.low <= 1,
            )

    def _base_of(self, entrant: Entrant) -> int:
        """The first model in the same runtime, or in its first."""
        for number, other in enumerate(self._entrants):
            if other.first and other.runtime is entrant.runtime:
                return number
        return 0

    def _ratio(self, base: int, number: int, shape: Shape) -> TimeRatio | None:
        latency = self._figures(base, number).get(("latency", shape))
        if base == number or latency is None or latency.ratio is None or latency.interval is None:
            return None
        entrant = self._entrants[base]
        return TimeRatio(
            model=entrant.name,
            runtime=entrant.runtime.value,
            ratio=latency.ratio,
            interval=latency.interval,
        )

    def _ms(self, name: str, number: int, shape: Shape) -> float:
        return self._figures(number, number)[name, shape].slim or math.nan

    def _figures(self, base: int, number: int) -> Figures:
        if (base, number) not in self._compared:
            beside = None if base == number else str(base)
            self._compared[base, number] = {
                (one.name, shape_of(one)): one
                for one in self._running.compare(beside, str(number)).measurements
            }
        return self._compared[base, number]
