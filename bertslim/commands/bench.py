"""`bertslim bench`: find models and runtimes -> time them taking turns -> compare."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from bertslim.commands.alternatives import compare_alternatives
from bertslim.commands.bench_models import Entrant, find_entrants
from bertslim.commands.bench_timing import time_entrants, with_texts
from bertslim.errors import BertslimError
from bertslim.measure.environment import describe_environment, usable_threads
from bertslim.measure.gpu import gpu_name, resolve_devices
from bertslim.measure.input_limits import InputLimits, read_limits, shared_limits
from bertslim.measure.latency import WARM_UP_SECONDS
from bertslim.measure.latency_process import WorkerProcess
from bertslim.measure.runtimes import UNASKED
from bertslim.measure.shapes import Shape, all_shapes
from bertslim.options.bench import BenchOptions
from bertslim.progress import Progress
from bertslim.records import BenchResult


def bench(options: BenchOptions, progress: Progress) -> BenchResult:
    """Time models in several runtimes, all taking turns; with alternatives, score them as well.

    Raises:
        InputError: A model or a runtime is not available, or a shape is not possible.
        DataError: The data are missing or broken, or do not fit the first model.
        BertslimError: A model could not be loaded or run.
        CannotTell: The machine is too busy for times at any of the shapes.
    """
    if options.alternatives:
        return compare_alternatives(options, progress)
    timing = resolve_devices(options.device).timing
    found = find_entrants(options.models, options.runtimes)
    entrants = tuple(entrant.on(timing) for entrant in found)
    limits = shared_limits(map(read_limits, {entrant.path for entrant in entrants}))
    shapes = all_shapes(options.batches, options.lengths, limits.max_length)
    with TemporaryDirectory(prefix="bertslim-") as folder:
        if options.data is not None:
            with progress.step("read the data"):
                entrants = with_texts(entrants, options.data, options.seed, Path(folder))
        return _bench(entrants, shapes, limits, options, progress)


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
        timed = time_entrants(entrants, shapes, options, progress)
    packages = dict.fromkeys(["transformers", *(entrant.runtime.package for entrant in entrants)])
    return BenchResult(
        timings=timed.timings,
        texts=timed.texts,
        environment=describe_environment(
            usable_threads(options.threads),
            tuple(packages),
            gpu=next(filter(None, (gpu_name(entrant.model.device) for entrant in entrants)), None),
        ),
        launches=options.launches,
        seed=options.seed,
        notes=(*notes, *timed.notes),
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
