"""The process that runs one model for `bertslim.measure.latency`, and does nothing else.

It loads the model, answers each JSON request line on standard input with one JSON line on standard
output, and ends at end of file, so that it never outlives the process that started it.

    (start)                                                     {"dtype": "float32"}
    {"do": "peak",    "batch": 8, "length": 128}                {"bytes": 123456}
    {"do": "warm_up", "batch": 8, "length": 128}                {"calls": 12, "fastest_ms": 110.2}
    {"do": "block",   "batch": 8, "length": 128, "calls": 2}    {"ms": [109.8, 110.4]}
    (any failure, after which it ends)                          {"error": {"what": …}}
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from bertslim.errors import BertslimError
from bertslim.measure.memory import peak_resident_bytes, resident_bytes

if TYPE_CHECKING:
    from torch import Tensor

WINDOW_SECONDS = 0.1
WARM_UP_SECONDS = 3.0
STABLE = 0.03
LEAD_IN_SECONDS = 0.02
SETTLE_SECONDS = 0.01
SETTLE_LIMIT_SECONDS = 1.0
IDLE_SHARE = 0.1


class Engine:
    """One model with fixed threads, and the seeded inputs that it is run on."""

    def __init__(self, directory: Path, threads: int, seed: int) -> None:
        import torch

        from bertslim.model.checkpoint import load_model

        torch.set_num_threads(threads)
        self._resident_before = resident_bytes()
        self._model = load_model(directory)
        self._seed = seed
        self._inputs: dict[tuple[int, int], dict[str, Tensor]] = {}

    @property
    def dtype(self) -> str:
        """The dtype of the weights, such as "float32"."""
        return str(self._model.dtype).removeprefix("torch.")

    def peak(self, batch: int, length: int) -> dict[str, Any]:
        """Run the shape, then tell the peak of resident memory above that before loading."""
        for _ in range(2):
            self._call(batch, length)
        return {"bytes": peak_resident_bytes() - self._resident_before}

    def warm_up(self, batch: int, length: int) -> dict[str, Any]:
        """Run the shape until two windows running have the same median, or time is up."""
        start = time.perf_counter()
        window = self._run_for(WINDOW_SECONDS, batch, length)
        calls = len(window)
        while True:
            before = statistics.median(window)
            window = self._run_for(WINDOW_SECONDS, batch, length)
            calls += len(window)
            median = statistics.median(window)
            if abs(median / before - 1) < STABLE or time.perf_counter() - start > WARM_UP_SECONDS:
                return {"calls": calls, "fastest_ms": min(window)}

    def block(self, batch: int, length: int, calls: int) -> dict[str, Any]:
        """Time consecutive calls, in ms each, after a lead-in that is not timed.

        The lead-in refills the caches and wakes the threads that slept while the other model ran.
        """
        self._run_for(LEAD_IN_SECONDS, batch, length)
        return {"ms": [self._call(batch, length) for _ in range(calls)]}

    def _run_for(self, seconds: float, batch: int, length: int) -> list[float]:
        end = time.perf_counter() + seconds
        times = [self._call(batch, length)]
        while time.perf_counter() < end:
            times.append(self._call(batch, length))
        return times

    def _call(self, batch: int, length: int) -> float:
        import torch

        inputs = self._inputs_of(batch, length)
        with torch.inference_mode():
            start = time.perf_counter_ns()
            self._model(**inputs)
            return (time.perf_counter_ns() - start) / 1e6

    def _inputs_of(self, batch: int, length: int) -> dict[str, Tensor]:
        """Random tokens of the middle of the vocabulary: special ones stand at its two ends."""
        import torch

        if (batch, length) not in self._inputs:
            vocabulary = self._model.config.vocab_size
            generator = torch.Generator().manual_seed(self._seed)
            first = vocabulary // 4
            last = first + vocabulary // 2
            ids = torch.randint(first, last + 1, (batch, length), generator=generator)
            self._inputs[batch, length] = {
                "input_ids": ids,
                "attention_mask": torch.ones_like(ids),
            }
        return self._inputs[batch, length]


def settle() -> None:
    """Wait until this process's threads sleep, so that they take nothing from the other model's.

    OpenMP threads spin for some milliseconds after a parallel region (libgomp about 4, LLVM's 200).
    To forbid them to (OMP_WAIT_POLICY=passive) would make every call slower than it is in use. The
    window is longer than a kernel tick, at which the time of running threads is accounted.
    """
    limit = time.perf_counter() + SETTLE_LIMIT_SECONDS
    while time.perf_counter() < limit:
        wall, cpu = time.perf_counter(), time.process_time()
        time.sleep(SETTLE_SECONDS)
        if time.process_time() - cpu < IDLE_SHARE * (time.perf_counter() - wall):
            return


def serve(requests: TextIO, replies: TextIO, directory: Path, threads: int, seed: int) -> None:
    """Load the model and answer requests until there are no more."""
    engine = Engine(directory, threads, seed)
    actions: dict[str, Callable[..., dict[str, Any]]]
    actions = {"peak": engine.peak, "warm_up": engine.warm_up, "block": engine.block}
    settle()
    _reply(replies, {"dtype": engine.dtype})
    for line in requests:
        request = json.loads(line)
        answer = actions[request.pop("do")](**request)
        settle()
        _reply(replies, answer)


def main() -> int:
    """Run the worker; its exit status is 1 after a failure."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches us too; our parent ends us
    replies = take_standard_output()
    parser = argparse.ArgumentParser(prog="python -m bertslim.measure.latency_worker")
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    arguments = parser.parse_args()
    try:
        serve(sys.stdin, replies, arguments.directory, arguments.threads, arguments.seed)
    except BertslimError as error:
        where = error.where or str(arguments.directory)
        _reply(replies, {"error": {"what": error.what, "where": where, "remedy": error.remedy}})
        return 1
    except Exception as error:
        what = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
        _reply(replies, {"error": {"what": what, "where": str(arguments.directory)}})
        return 1
    return 0


def take_standard_output() -> TextIO:
    """Keep standard output for replies alone: what libraries print goes to standard error."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return replies


def _reply(replies: TextIO, answer: dict[str, Any]) -> None:
    replies.write(json.dumps(answer) + "\n")
    replies.flush()


if __name__ == "__main__":
    raise SystemExit(main())
