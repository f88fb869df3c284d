"""Latency and peak memory of the base and the slim model, each in a process of its own.

The models take turns: in a round, each times one block of consecutive calls, while the other waits
on its pipe with sleeping threads; the order alternates. So drift of the machine hits both alike,
and the interval of the ratio resamples whole rounds.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, Literal, Self, cast

import numpy as np

from bertslim.errors import BertslimError, InputError
from bertslim.measure.bootstrap import FloatArray, launch_ratio, ratio_interval
from bertslim.progress import Progress
from bertslim.records import Measurement, Scalar, compare

Role = Literal["base", "slim"]

RUNTIME = "torch"
WORKER_MODULE = "bertslim.measure.latency_worker"
MIN_ROUNDS = 10
BLOCK_MS = 50.0

# glibc gives large freed blocks back to the kernel and faults them in again, page by page, at the
# next call: a tenth of the time at batch 8 x 128, and, by the luck of the heap's layout, several
# per cent more or less in each process of the same model. So it keeps them, as tcmalloc and
# jemalloc do.
ALLOCATOR = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40)}


@dataclass(frozen=True)
class Shape:
    """How many sequences of how many tokens one call takes."""

    batch: int
    length: int

    def __str__(self) -> str:
        return f"{self.batch}x{self.length}"


@dataclass(frozen=True)
class LatencyResult:
    """What was measured so far: `latency`, `latency.p90`, `latency.p99` a shape, `memory.peak`."""

    measurements: tuple[Measurement, ...]


def check_shapes(shapes: Sequence[Shape], max_positions: int) -> None:
    """Refuse shapes that the model cannot take.

    Raises:
        InputError: A batch or length is below 1, or a length exceeds the model's positions.
    """
    for shape in shapes:
        if shape.batch < 1 or shape.length < 1:
            raise InputError("batch and length must be 1 or more", where=f"shape {shape}")
        if shape.length > max_positions:
            raise InputError(
                f"the model takes at most {max_positions} tokens",
                where=f"shape {shape}",
                remedy=f"use a length up to {max_positions}",
            )


def measure_latency(
    base: Path,
    slim: Path,
    shapes: Sequence[Shape],
    *,
    threads: int,
    seconds: float = 8.0,
    launches: int = 1,
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
        seed: Settles the random inputs and the bootstrap.
        progress: Where rounds are shown.

    Raises:
        BertslimError: A model could not be loaded or run.
    """
    models: dict[Role, Path] = {"base": base, "slim": slim}
    with LatencyBench(
        models,
        shapes,
        threads=threads,
        seed=seed,
        progress=progress,
        min_rounds=math.ceil(MIN_ROUNDS / launches),
    ) as bench:
        for launch in range(launches):
            if launch:
                bench.restart()
            bench.run(seconds / launches)
        return bench.result()


class LatencyBench:
    """Keeps one process a model alive, and gathers rounds for as long as it is asked to.

    Args:
        models: The checkpoint directory of the base, of the slim model, or of both.
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
        models: Mapping[Role, Path],
        shapes: Sequence[Shape],
        *,
        threads: int,
        seed: int,
        progress: Progress,
        min_rounds: int = MIN_ROUNDS,
    ) -> None:
        self._models = models
        self._min_rounds = min_rounds
        self._threads = threads
        self._seed = seed
        self._progress = progress
        self._samples = {shape: _Samples() for shape in shapes}
        self._processes = ExitStack()
        self._workers: dict[Role, _Worker] = {}
        self._peaks: dict[Role, int] = {}

    def __enter__(self) -> Self:
        """Start the processes, load the models and take their peak memory."""
        self._start()
        for role, worker in self._workers.items():
            self._peaks[role] = worker.peak_bytes(self._largest_shape)
        return self

    def restart(self) -> None:
        """Put new processes in the place of the present ones; what was gathered is kept."""
        self._processes.close()
        self._start()
        for samples in self._samples.values():
            samples.begin_launch()

    def _start(self) -> None:
        with ExitStack() as processes:
            for role, directory in self._models.items():
                worker = _Worker(directory, self._threads, self._seed)
                processes.callback(worker.close)
                self._workers[role] = worker
            for worker in self._workers.values():
                worker.wait_until_loaded()
            self._processes = processes.pop_all()

    def __exit__(self, *_: object) -> None:
        self._processes.close()

    def run(self, seconds: float) -> None:
        """Gather rounds for so many seconds a shape, but not fewer than are needed."""
        for shape, samples in self._samples.items():
            start = time.monotonic()
            with self._progress.bar(f"latency {shape}", total=round(seconds, 1), unit="s") as bar:
                for _ in self._rounds(shape, samples, start + seconds):
                    bar.update(round(min(seconds, time.monotonic() - start), 1) - bar.n)

    def result(self) -> LatencyResult:
        """Work out the figures from all rounds so far."""
        figures = [row for shape in self._samples for row in self._latencies(shape)]
        return LatencyResult((*figures, self._peak_memory()))

    @property
    def _largest_shape(self) -> Shape:
        return max(self._samples, key=lambda shape: (shape.batch * shape.length, shape.length))

    def _rounds(self, shape: Shape, samples: _Samples, deadline: float) -> Iterator[None]:
        if not samples.rounds_of_launch:
            self._warm_up(shape, samples)
        while samples.rounds_of_launch < self._min_rounds or time.monotonic() < deadline:
            roles = list(self._workers)
            if samples.rounds % 2:
                roles.reverse()
            for role in roles:
                block = self._workers[role].block_ms(shape, samples.calls)
                samples.blocks.setdefault(role, []).append(block)
            yield

    def _warm_up(self, shape: Shape, samples: _Samples) -> None:
        warm = [worker.warm_up(shape) for worker in self._workers.values()]
        samples.warm_up_calls = min(each.calls for each in warm)
        calls = math.ceil(BLOCK_MS / min(each.fastest_ms for each in warm))
        samples.calls = samples.calls or calls

    def _latencies(self, shape: Shape) -> Iterator[Measurement]:
        samples = self._samples[shape]
        base, slim = samples.times("base"), samples.times("slim")
        ratio, interval = None, None
        if base is not None and slim is not None:
            ratio = launch_ratio(base, slim, samples.launches)
            interval = ratio_interval(base, slim, samples.launches, seed=self._seed)
        context = self._context(shape) | {
            "runs": samples.rounds * samples.calls,
            "rounds": samples.rounds,
            "launches": len(samples.launches),
            "warmup": samples.warm_up_calls,
        }
        for name, share in (("latency", 0.5), ("latency.p90", 0.9), ("latency.p99", 0.99)):
            before, after = _quantile(base, share), _quantile(slim, share)
            measurement = compare(name, "ms", before, after, interval=None, **context)
            if share == 0.5:
                update = {"ratio": ratio, "interval": interval}
                measurement = measurement.model_copy(update=update)
            yield measurement

    def _peak_memory(self) -> Measurement:
        return compare(
            "memory.peak",
            "bytes",
            self._peaks.get("base"),
            self._peaks.get("slim"),
            interval=None,
            **self._context(self._largest_shape),
            what="peak resident memory of loading and two calls, less that before loading",
        )

    def _context(self, shape: Shape) -> dict[str, Scalar]:
        dtypes = dict.fromkeys(worker.dtype for worker in self._workers.values())
        return {
            "runtime": RUNTIME,
            "dtype": " / ".join(dtypes),
            "batch": shape.batch,
            "length": shape.length,
            "threads": self._threads,
            "allocator": "keeps freed memory",
        }


@dataclass
class _Samples:
    """What was gathered of one shape: a block of `calls` times, in ms, a round and model."""

    calls: int = 0
    warm_up_calls: int = 0
    blocks: dict[Role, list[FloatArray]] = field(default_factory=dict)
    starts: list[int] = field(default_factory=lambda: [0])

    @property
    def rounds_of_launch(self) -> int:
        """Rounds since the processes were started."""
        return self.rounds - self.starts[-1]

    @property
    def launches(self) -> tuple[int, ...]:
        """The number of rounds of each launch that has any."""
        ends = pairwise([*self.starts, self.rounds])
        return tuple(end - start for start, end in ends if end > start)

    def begin_launch(self) -> None:
        """Note that what follows comes from new processes."""
        self.starts.append(self.rounds)

    @property
    def rounds(self) -> int:
        return min((len(blocks) for blocks in self.blocks.values()), default=0)

    def times(self, role: Role) -> FloatArray | None:
        """All times of one model, shape (rounds, calls)."""
        return np.stack(self.blocks[role]) if role in self.blocks else None


@dataclass(frozen=True)
class _WarmUp:
    calls: int
    fastest_ms: float


class _Worker:
    """The near end of a `latency_worker` process."""

    def __init__(self, directory: Path, threads: int, seed: int) -> None:
        self._directory = directory
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  closed in close()
        count = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
        command = [sys.executable, "-P", "-m", WORKER_MODULE, str(directory)]
        self._process = subprocess.Popen(
            [*command, "--threads", str(threads), "--seed", str(seed)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            env=os.environ | ALLOCATOR | count,
        )
        self._requests = cast("IO[str]", self._process.stdin)
        self._replies = cast("IO[str]", self._process.stdout)
        self.dtype = ""

    def wait_until_loaded(self) -> None:
        self.dtype = self._receive()["dtype"]

    def peak_bytes(self, shape: Shape) -> int:
        return int(self._ask("peak", shape)["bytes"])

    def warm_up(self, shape: Shape) -> _WarmUp:
        answer = self._ask("warm_up", shape)
        return _WarmUp(answer["calls"], answer["fastest_ms"])

    def block_ms(self, shape: Shape, calls: int) -> FloatArray:
        return np.asarray(self._ask("block", shape, calls=calls)["ms"], dtype=np.float64)

    def close(self) -> None:
        """End the process at once: it has nothing to save."""
        self._process.kill()
        with suppress(BrokenPipeError), self._process:  # closes the pipes, and waits
            self._said.close()

    def _ask(self, do: str, shape: Shape, **more: int) -> dict[str, Any]:
        request = {"do": do, "batch": shape.batch, "length": shape.length, **more}
        try:
            self._requests.write(json.dumps(request) + "\n")
            self._requests.flush()
        except BrokenPipeError:
            raise self._death() from None
        return self._receive()

    def _receive(self) -> dict[str, Any]:
        line = self._replies.readline()
        if not line:
            raise self._death()
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise BertslimError(**answer["error"])
        return answer

    def _death(self) -> BertslimError:
        status = self._process.wait()
        where = str(self._directory)
        if status < 0:
            return BertslimError(
                f"the process that measured the model was ended by {signal.Signals(-status).name}",
                where=where,
                remedy="if memory ran out, use a smaller batch or length",
            )
        self._said.seek(0)
        said = self._said.read().decode(errors="replace").strip().splitlines()
        last = said[-1] if said else f"exit status {status}"
        return BertslimError(f"the process that measured the model failed: {last}", where=where)


def _quantile(times: FloatArray | None, share: float) -> float | None:
    return None if times is None else float(np.quantile(times, share))
