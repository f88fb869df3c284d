"""The process that runs one model for `bertslim.measure.latency`, and does nothing else.

It loads the model, answers each JSON request line on standard input with one JSON line on standard
output, and ends at end of file, so that it never outlives the process that started it.

    (start)                                                     {}
    {"do": "dtype"}                                             {"dtype": "float32"}
    {"do": "peak",    "batch": 8, "length": 128}                {"bytes": 123456}
    {"do": "warm_up", "batch": 8, "length": "data", "seconds": 3.0}
                                                                {"calls": 12, "call_ms": 110.2}
    {"do": "block",   "batch": 8, "length": 128, "calls": 2, "first": 0, "patient": true}
                                             {"ms": [109.8, 110.4], "disturbed": false}
    (any failure, after which it ends)
                              {"error": {"what": …}, "input": …, "traceback": …}
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from bertslim.errors import BertslimError, InputError
from bertslim.library_errors import expected_error
from bertslim.measure.contention import ContentionProbe
from bertslim.measure.engines import Engine, import_libraries, load_engine
from bertslim.measure.memory import peak_resident_bytes, resident_bytes
from bertslim.measure.runtimes import Runtime, TimedModel
from bertslim.measure.shapes import Shape
from bertslim.measure.text_sample import Arrays, TextSample

WINDOW_SECONDS = 0.1
STABLE = 0.03
LEAD_IN_SECONDS = 0.02
SETTLE_SECONDS = 0.01
SETTLE_LIMIT_SECONDS = 1.0
IDLE_SHARE = 0.1


class Stopwatch:
    """One model in its runtime, with fixed threads, and the inputs that it is timed on."""

    def __init__(self, model: TimedModel, threads: int, vocabulary: int, seed: int) -> None:
        import_libraries(model.runtime)
        self._device = model.device
        self._resident_before = resident_bytes()
        self._engine = load_engine(model, threads)
        self._vocabulary = vocabulary
        self._seed = seed
        self._texts = None if model.texts is None else TextSample.read(model.texts)
        self._prepared: dict[Shape, PreparedCalls] = {}

    def dtype(self) -> dict[str, Any]:
        """Return what the model multiplies in."""
        return {"dtype": self._engine.dtype}

    def peak(self, shape: Shape) -> dict[str, Any]:
        """Run the shape, then return the peak of resident memory above that before loading.

        On a GPU it is the peak of what PyTorch had allocated there.
        """
        calls = self._calls_of(shape)
        for _ in range(2):
            calls.time(calls.largest)
        if self._device == "cuda":
            import torch

            return {"bytes": torch.cuda.max_memory_allocated()}
        return {"bytes": peak_resident_bytes() - self._resident_before}

    def warm_up(self, shape: Shape, *, seconds: float) -> dict[str, Any]:
        """Run the shape until two windows running have the same fastest call, or time is up.

        Of texts each batch is run once, or as many as there is time for.
        """
        calls = self._calls_of(shape)
        calls.time(0)  # may take long where it compiles
        start = time.perf_counter()
        if shape.of_texts:
            times = calls.run_for(seconds, most=len(calls))
            return {"calls": len(times), "call_ms": sum(times) / len(times)}
        window = calls.run_for(WINDOW_SECONDS)
        count = len(window)
        while True:
            before = min(window)
            window = calls.run_for(WINDOW_SECONDS)
            count += len(window)
            fastest = min(window)
            if abs(fastest / before - 1) < STABLE or time.perf_counter() - start > seconds:
                return {"calls": count, "call_ms": min(before, fastest)}

    def block(self, shape: Shape, *, calls: int, first: int, patient: bool) -> dict[str, Any]:
        """Time consecutive calls, in ms each, after a lead-in that is not timed.

        The lead-in refills the caches and wakes the threads that slept while other models ran. It
        also shows whether another program has a core that this one needs: then calls take many
        times as long, as threads wait for one another, and a patient caller asks again instead.
        """
        prepared = self._calls_of(shape)
        lead_in = ContentionProbe()
        prepared.run_for(LEAD_IN_SECONDS, first=first)
        if patient and lead_in.disturbed():
            return {"ms": [], "disturbed": True}
        block = ContentionProbe()
        times = [prepared.time(number) for number in range(first, first + calls)]
        return {"ms": times, "disturbed": block.disturbed()}

    def _calls_of(self, shape: Shape) -> PreparedCalls:
        if shape not in self._prepared:
            batches = self._texts_of(shape) if shape.of_texts else [self._random_tokens(shape)]
            self._prepared[shape] = PreparedCalls(self._engine, batches)
        return self._prepared[shape]

    def _texts_of(self, shape: Shape) -> list[Arrays]:
        if self._texts is None:
            raise ValueError("no texts were given to run it on")
        return self._texts.batches(shape.batch)

    def _random_tokens(self, shape: Shape) -> Arrays:
        """Draw tokens of the middle of the vocabulary: special ones stand at its two ends."""
        first = self._vocabulary // 4
        draw = np.random.default_rng(self._seed)
        size = shape.batch, shape.tokens
        return {
            "input_ids": draw.integers(first, first + self._vocabulary // 2 + 1, size),
            "attention_mask": np.ones(size, dtype=np.int64),
            "token_type_ids": np.zeros(size, dtype=np.int64),
        }


class PreparedCalls:
    """Calls of a model with batches in turn.

    Attributes:
        largest: The number of the batch with the most positions.
    """

    def __init__(self, engine: Engine, batches: Sequence[Arrays]) -> None:
        self._calls = [engine.prepare(arrays) for arrays in batches]
        sizes = [arrays["input_ids"].size for arrays in batches]
        self.largest = sizes.index(max(sizes))

    def __len__(self) -> int:
        return len(self._calls)

    def time(self, number: int) -> float:
        """Call the model with a batch, the first one after the last; return the time in ms."""
        call = self._calls[number % len(self)]
        start = time.perf_counter_ns()
        call()
        return (time.perf_counter_ns() - start) / 1e6

    def run_for(self, seconds: float, *, first: int = 0, most: float = math.inf) -> list[float]:
        """Time calls for so many seconds, one at least, and not more than there may be."""
        end = time.perf_counter() + seconds
        times = [self.time(first)]
        while time.perf_counter() < end and len(times) < most:
            times.append(self.time(first + len(times)))
        return times


def settle() -> None:
    """Wait until this process's threads sleep, so that they take nothing from the other model's.

    OpenMP threads may spin for some milliseconds after a parallel region (libgomp about 4, LLVM's
    200). To forbid them to (OMP_WAIT_POLICY=passive) makes small calls slower by a fifth. The
    window is longer than a kernel tick, at which the time of running threads is accounted.
    """
    limit = time.perf_counter() + SETTLE_LIMIT_SECONDS
    while time.perf_counter() < limit:
        wall, cpu = time.perf_counter(), time.process_time()
        time.sleep(SETTLE_SECONDS)
        if time.process_time() - cpu < IDLE_SHARE * (time.perf_counter() - wall):
            return


def serve(requests: TextIO, replies: TextIO, watch: Stopwatch) -> None:
    """Answer requests until there are no more."""
    actions: dict[str, Callable[..., dict[str, Any]]]
    actions = {
        "dtype": watch.dtype,
        "peak": watch.peak,
        "warm_up": watch.warm_up,
        "block": watch.block,
    }
    settle()
    _reply(replies, {})
    for line in requests:
        request = json.loads(line)
        action = actions[request.pop("do")]
        shapes = [Shape(request.pop("batch"), request.pop("length"))] if "batch" in request else []
        answer = action(*shapes, **request)
        settle()
        _reply(replies, answer)


def main() -> int:
    """Run the worker; its exit status is 1 after a failure."""
    replies = take_standard_output()
    parser = argparse.ArgumentParser(prog="python -m bertslim.measure.latency_worker")
    parser.add_argument("path", type=Path, metavar="MODEL")
    parser.add_argument("--runtime", type=Runtime, required=True)
    for option in ("--threads", "--vocabulary", "--seed"):
        parser.add_argument(option, type=int, required=True)
    parser.add_argument("--texts", type=Path)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    given = parser.parse_args()
    model = TimedModel(given.path, given.runtime, given.texts, given.device)
    try:
        serve(sys.stdin, replies, Stopwatch(model, given.threads, given.vocabulary, given.seed))
    except Exception as error:
        _reply(replies, _failure(error, model.path))
        return 1
    return 0


def _failure(error: Exception, path: Path) -> dict[str, Any]:
    known = expected_error(error)
    if known is None:
        known = BertslimError(f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}")
    details = {"what": known.what, "where": known.where or str(path), "remedy": known.remedy}
    text = "".join(traceback.format_exception(error))
    return {"error": details, "input": isinstance(known, InputError), "traceback": text}


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
