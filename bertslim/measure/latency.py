"""Latency and peak memory of models that are compared, each in a process of its own.

The models take turns: in a round, each times one block of consecutive calls, while the others wait
on their pipes with sleeping threads; the order alternates. So drift of the machine hits all alike,
and the interval of a ratio resamples whole rounds. A block during which another program took the
cores is timed again, unless that goes on for seconds: then the machine counts as busy. It ends in
three times the seconds asked for, whatever else runs; of times that tell nothing no figure is made.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np

from bertslim.arrays import FloatArray
from bertslim.devices import Device
from bertslim.measure.bootstrap import launch_ratio, log_ratios, median_error, ratio_interval
from bertslim.measure.environment import default_threads
from bertslim.measure.input_limits import read_limits, shared_limits
from bertslim.measure.latency_process import WorkerProcess
from bertslim.measure.latency_samples import Samples
from bertslim.measure.runtimes import Runtime, TimedModel
from bertslim.measure.shapes import Shape
from bertslim.measure.text_sample import TextSample
from bertslim.measure.timed_texts import TimedTexts
from bertslim.progress import Progress
from bertslim.records import Measurement, Scalar, compare

BASE, SLIM = "base", "slim"
RUNTIME = Runtime.TORCH
MIN_ROUNDS = 10
BLOCK_MS = 50.0
PATIENCE_SECONDS = 5.0
WARM_UP_SECONDS = 3.0
LONGEST = 3.0  # times the seconds that are asked for
LEAST_SECONDS = 2.0  # of a shape, if they are needed for enough rounds
CONTRADICTION = math.log(1.25)
_RESIDENT = "peak resident memory of loading and two calls, less that before loading"
_ON_GPU = "peak of what PyTorch allocates on the GPU in loading and two calls"


@dataclass(frozen=True)
class LatencyResult:
    """What was measured so far.

    Attributes:
        measurements: `latency`, `latency.p90`, `latency.p99` a shape, and `memory.peak`.
        doubts: Why there are no times of a shape, by shape.
    """

    measurements: tuple[Measurement, ...]
    doubts: Mapping[Shape, str] = field(default_factory=dict)

    @property
    def notes(self) -> tuple[str, ...]:
        """The doubts, a line each."""
        return tuple(f"latency at {shape}: {doubt}" for shape, doubt in self.doubts.items())


def measure_latency(
    base: Path,
    slim: Path,
    shapes: Sequence[Shape],
    *,
    threads: int,
    seconds: float = 8.0,
    launches: int = 1,
    device: Device = "cpu",
    seed: int,
    progress: Progress,
) -> LatencyResult:
    """Compare two checkpoint directories, for about so many seconds a shape.

    Args:
        base: The model before.
        slim: The model after.
        shapes: What they are run on.
        threads: Threads of each model.
        seconds: Time for each shape, over all launches.
        launches: How often both processes are started anew: two processes of one model differ by
            a per cent or two for as long as they live, which rounds within them cannot show.
        device: Where they run.
        seed: Settles the random inputs and the bootstrap.
        progress: Where rounds are shown.

    Raises:
        BertslimError: A model could not be loaded or run.
    """
    models = {
        name: TimedModel(path, RUNTIME, device=device)
        for name, path in ((BASE, base), (SLIM, slim))
    }
    with LatencyBench(
        models,
        shapes,
        threads=threads,
        seed=seed,
        progress=progress,
        min_rounds=math.ceil(MIN_ROUNDS / launches),
    ) as bench:
        run_launches(bench, launches, seconds)
        return bench.compare(BASE, SLIM)


def run_launches(bench: LatencyBench, launches: int, seconds: float) -> None:
    """Gather rounds for so many seconds a shape in all, the processes started anew in between."""
    for launch in range(launches):
        if launch:
            bench.restart()
        bench.run(seconds / launches)


class LatencyBench:
    """Keeps one process a model alive, and gathers rounds for as long as it is asked to.

    Args:
        models: By any names; all get the same tokens, which each of them knows, and of shapes of
            texts those of `TimedModel.texts`, which all of them need then.
        shapes: What the models are run on.
        threads: Threads of each model; only one model runs at a time.
        seed: Settles the random inputs and the bootstrap.
        progress: Where rounds are shown.
        min_rounds: How many rounds at least each launch gathers.

    Raises:
        BertslimError: A model could not be loaded or run.
    """

    def __init__(
        self,
        models: Mapping[str, TimedModel],
        shapes: Sequence[Shape],
        *,
        threads: int,
        seed: int,
        progress: Progress,
        min_rounds: int = MIN_ROUNDS,
    ) -> None:
        self._models = models
        self._limits = shared_limits(map(read_limits, {model.path for model in models.values()}))
        self._min_rounds = min_rounds
        self._threads = threads
        self._seed = seed
        self._progress = progress
        self._texts = TimedTexts(
            {name: TextSample.read(model.texts) for name, model in models.items() if model.texts}
        )
        self._samples = {shape: Samples(batches=self._texts.batches(shape)) for shape in shapes}
        self._processes = ExitStack()
        self._workers: dict[str, WorkerProcess] = {}
        self._peaks: dict[str, int] = {}
        self._dtypes: dict[str, str] = {}
        self._patience = PATIENCE_SECONDS if threads <= default_threads() else 0.0
        self._undisturbed = time.monotonic()

    def __enter__(self) -> Self:
        """Start the processes, load the models and take their peak memory."""
        self._start()
        for name, worker in self._workers.items():
            self._peaks[name] = worker.peak_bytes(self._largest_shape)
            self._dtypes[name] = worker.dtype()
        return self

    def restart(self) -> None:
        """Put new processes in the place of the present ones; what was gathered is kept."""
        self._processes.close()
        self._start()
        for samples in self._samples.values():
            samples.begin_launch()

    def _start(self) -> None:
        with ExitStack() as processes:
            vocabulary = self._limits.vocabulary
            for name, model in self._models.items():
                worker = WorkerProcess(model, self._threads, vocabulary, self._seed)
                processes.callback(worker.close)
                self._workers[name] = worker
            for worker in self._workers.values():
                worker.wait_until_loaded()
            self._processes = processes.pop_all()

    def __exit__(self, *_: object) -> None:
        self._processes.close()

    def run(self, seconds: float) -> None:
        """Gather rounds for so many seconds a shape, longer where more rounds are needed.

        On a busy machine a round takes long: after three times the seconds there are no more.
        """
        for shape, samples in self._samples.items():
            start = time.monotonic()
            limit = start + max(LONGEST * seconds, LEAST_SECONDS)
            with self._progress.bar(f"latency {shape}", total=round(seconds, 1), unit="s") as bar:
                for _ in self._rounds(shape, samples, start + seconds, limit):
                    bar.update(round(min(seconds, time.monotonic() - start), 1) - bar.n)

    def compare(self, base: str | None, slim: str, *, level: float = 0.95) -> LatencyResult:
        """Work out the figures of a model, and of its base if there is one, from all rounds.

        Args:
            base: The model before; None: there is none.
            slim: The model after.
            level: Of the interval of the ratio.
        """
        doubts = {shape: self.doubt(shape, base, slim) for shape in self._samples}
        told = [shape for shape, doubt in doubts.items() if doubt is None]
        figures = [row for shape in told for row in self._latencies(shape, base, slim, level)]
        return LatencyResult(
            (*figures, self._peak_memory(base, slim)),
            {shape: doubt for shape, doubt in doubts.items() if doubt is not None},
        )

    def doubt(self, shape: Shape, base: str | None, slim: str) -> str | None:
        """Say why the times at a shape tell nothing of these models; None: they do tell."""
        samples = self._samples[shape]
        if samples.doubt is not None or base is None:
            return samples.doubt
        times = samples.times(base), samples.times(slim)
        compared = samples.compared_times(base), samples.compared_times(slim)
        of_medians = math.log(np.median(times[1]) / np.median(times[0]))
        of_rounds = math.log(launch_ratio(*compared, samples.launches))
        if samples.often_disturbed and abs(of_medians - of_rounds) > CONTRADICTION:
            return (
                "cannot tell on this busy machine: the medians have a ratio of "
                f"{math.exp(of_medians):.2f}, and rounds of {math.exp(of_rounds):.2f}"
            )
        return None

    def launch_error(self, base: str, slim: str) -> float:
        """Return the standard error of the ratio in this launch, as a share; the worst shape's."""
        return max(
            median_error(
                log_ratios(*(each.compared_times(name, this_launch=True) for name in (base, slim)))
            )
            for each in self._samples.values()
        )

    def fastest_ms(self, name: str, shape: Shape) -> float:
        """Return what the fastest call of a model took, which other programs slow down least.

        Of texts it is the mean over batches, of the fastest call of each.
        """
        return self._samples[shape].fastest(name)

    def texts_per_second(self, name: str, shape: Shape) -> float:
        """Return how many sequences a model gets through in a second of calls."""
        return 1000 * shape.batch / float(self._samples[shape].times(name).mean())

    def texts_of(self, name: str) -> TextSample | None:
        """Return the texts that a model is run on, if there are any."""
        return self._texts.samples.get(name)

    def disturbance(self) -> tuple[str, ...]:
        """Note how often models had to wait for cores, if that was more than now and then."""
        samples = self._samples.values()
        if not any(shape_samples.often_disturbed for shape_samples in samples):
            return ()
        again = sum(shape_samples.timed_again for shape_samples in samples)
        blocks = again + sum(shape_samples.counted_blocks for shape_samples in samples)
        disturbed = sum(shape_samples.disturbed for shape_samples in samples)
        note = (
            f"the machine is busy, so models had to wait for cores: of {blocks} blocks of calls "
            f"{again} were timed again, and {disturbed} count although they are slower for it"
        )
        return (note,)

    @property
    def shape_count(self) -> int:
        """How many shapes there are."""
        return len(self._samples)

    @property
    def _largest_shape(self) -> Shape:
        return max(self._samples, key=self._texts.size)

    def _rounds(
        self, shape: Shape, samples: Samples, deadline: float, limit: float
    ) -> Iterator[None]:
        """Yield after each round, until the deadline, or as many as needed within the limit."""
        if not samples.rounds_of_launch:
            self._warm_up(shape, samples, limit)
            self._undisturbed = time.monotonic()
        while True:
            now, rounds = time.monotonic(), samples.rounds_of_launch
            if rounds and now >= (limit if rounds < self._min_rounds else deadline):
                return
            names = list(self._workers)
            round_number = samples.rounds
            if round_number % 2:
                names.reverse()
            for name in names:
                first = round_number * samples.calls[name]
                block = self._block(name, shape, samples, first, limit)
                samples.blocks.setdefault(name, []).append(block)
            yield

    def _block(
        self, name: str, shape: Shape, samples: Samples, first: int, limit: float
    ) -> FloatArray:
        """Time a block, again where another program took the cores, as long as that may end."""
        worker, calls = self._workers[name], samples.calls[name]
        while True:
            patient = time.monotonic() < min(self._undisturbed + self._patience, limit)
            block = worker.block(shape, calls, first=first, patient=patient)
            if not block.disturbed:
                self._undisturbed = time.monotonic()
            elif patient:
                samples.timed_again += 1
                continue
            samples.disturbed += block.disturbed
            return block.ms

    def _warm_up(self, shape: Shape, samples: Samples, limit: float) -> None:
        """Warm all models up, in half of the time that there is at most."""
        there_is = (limit - time.monotonic()) / 2 / len(self._workers)
        seconds = min(WARM_UP_SECONDS, there_is)
        warm = {name: worker.warm_up(shape, seconds) for name, worker in self._workers.items()}
        samples.warm_up_calls = min(each.calls for each in warm.values())
        calls = {name: math.ceil(BLOCK_MS / each.call_ms) for name, each in warm.items()}
        if shape.of_texts:  # all run the same ones
            mean = sum(each.call_ms for each in warm.values()) / len(warm)
            calls = dict.fromkeys(calls, math.ceil(BLOCK_MS / mean))
        for name, number in calls.items():
            samples.calls.setdefault(name, number)

    def _latencies(
        self, shape: Shape, base: str | None, slim: str, level: float
    ) -> Iterator[Measurement]:
        samples = self._samples[shape]
        times, slim_times = samples.times(base) if base else None, samples.times(slim)
        ratio, interval = None, None
        if base:
            compared = samples.compared_times(base), samples.compared_times(slim)
            ratio = launch_ratio(*compared, samples.launches)
            interval = ratio_interval(*compared, samples.launches, seed=self._seed, level=level)
        context = self._context(shape, base, slim) | {
            "runs": samples.rounds * min(samples.calls[name] for name in (base, slim) if name),
            "rounds": samples.rounds,
            "launches": len(samples.launches),
            "warmup": samples.warm_up_calls,
        }
        if samples.often_disturbed:
            context["blocks_timed_again"] = samples.timed_again
            context["blocks_disturbed"] = samples.disturbed
        for name, share in (("latency", 0.5), ("latency.p90", 0.9), ("latency.p99", 0.99)):
            before, after = _quantile(times, share), _quantile(slim_times, share)
            measurement = compare(name, before, after, interval=None, **context)
            if share == 0.5:
                update = {"ratio": ratio, "interval": interval}
                measurement = measurement.model_copy(update=update)
            yield measurement

    def _peak_memory(self, base: str | None, slim: str) -> Measurement:
        on_gpu = self._models[slim].device == "cuda"
        return compare(
            "memory.peak",
            self._peaks[base] if base else None,
            self._peaks[slim],
            interval=None,
            **self._context(self._largest_shape, base, slim),
            what=_ON_GPU if on_gpu else _RESIDENT,
        )

    def _context(self, shape: Shape, base: str | None, slim: str) -> dict[str, Scalar]:
        compared = (base, slim) if base else (slim,)
        runtimes = dict.fromkeys(self._models[name].runtime.value for name in compared)
        dtypes = dict.fromkeys(self._dtypes[name] for name in compared)
        devices = dict.fromkeys(self._models[name].device for name in compared)
        return {
            "runtime": " / ".join(runtimes),
            "dtype": " / ".join(dtypes),
            "device": " / ".join(devices),
            "batch": shape.batch,
            "length": shape.length,
            "threads": self._threads,
            "allocator": "keeps freed memory",
            **self._texts.context(shape, slim),
        }


def _quantile(times: FloatArray | None, share: float) -> float | None:
    return None if times is None else float(np.quantile(times, share))
