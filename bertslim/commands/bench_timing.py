"""Models in their runtimes, timed taking turns -> the times of each, compared with one another."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bertslim.commands.bench_models import Entrant
from bertslim.data.data_options import DataOptions
from bertslim.errors import CannotTell, InputError
from bertslim.measure.draw_texts import draw_texts
from bertslim.measure.environment import usable_threads
from bertslim.measure.latency import MIN_ROUNDS, LatencyBench, run_launches
from bertslim.measure.shapes import Shape, shape_of
from bertslim.measure.text_sample import TextSample
from bertslim.options.bench import BenchOptions
from bertslim.progress import Progress
from bertslim.records import Measurement, TimedTexts, TimeRatio, Timing

Figures = dict[tuple[str, Shape], Measurement]


def with_texts(
    entrants: Sequence[Entrant], data: DataOptions, seed: int, folder: Path
) -> tuple[Entrant, ...]:
    """Draw texts, and write them into a folder as each model reads them.

    Args:
        entrants: Models that are to be timed on them.
        data: What to draw from.
        seed: Settles which.
        folder: Where to write.

    Raises:
        InputError: A model has no tokenizer, or is compiled for each shape.
        DataError: The data are missing or broken, or do not fit the first model.
    """
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


@dataclass(frozen=True)
class TimedEntrants:
    """The times of models that took turns.

    Attributes:
        timings: Shape by shape, in the order of the models.
        texts: What the length "data" stands for; None: it was not timed.
        notes: On disturbances, and on shapes without times.
    """

    timings: tuple[Timing, ...]
    texts: TimedTexts | None
    notes: tuple[str, ...]


def time_entrants(
    entrants: Sequence[Entrant],
    shapes: Sequence[Shape],
    options: BenchOptions,
    progress: Progress,
) -> TimedEntrants:
    """Time models at each shape, all taking turns.

    Args:
        entrants: The first one is what the others are compared with.
        shapes: What they are run on.
        options: How long, in how many launches, and with how many threads.
        progress: Shows the rounds.

    Raises:
        BertslimError: A model could not be loaded or run.
        CannotTell: The machine is too busy for times at any of the shapes.
    """
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
    return TimedEntrants(timings, _timed_texts(running.texts_of("0")), notes)


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
                device=entrant.model.device,
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
