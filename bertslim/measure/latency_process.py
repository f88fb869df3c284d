"""The near end of a `latency_worker` process: starts it, sends requests, ends it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import IO, Any, cast

import numpy as np

from bertslim.arrays import FloatArray
from bertslim.brief_spinning import brief_spinning
from bertslim.errors import BertslimError, InputError
from bertslim.measure.runtimes import TimedModel
from bertslim.measure.shapes import Shape

WORKER_MODULE = "bertslim.measure.latency_worker"

# glibc gives large freed blocks back to the kernel and faults them in again, page by page, at the
# next call: a tenth of the time at batch 8 x 128, and, by the luck of the heap's layout, several
# per cent more or less in each process of the same model. So it keeps them, as tcmalloc and
# jemalloc do.
ALLOCATOR = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40)}


class WorkerTraceback(Exception):
    """The traceback of a worker, as the cause of the error here, so that `--debug` shows it."""


@dataclass(frozen=True)
class WarmUp:
    """How a warm-up went: how many calls, and what one takes.

    Attributes:
        calls: Until it was stable; of texts, so many batches.
        call_ms: The fastest of the last calls; of texts their mean.
    """

    calls: int
    call_ms: float


@dataclass(frozen=True)
class Block:
    """Consecutive calls of one model.

    Attributes:
        ms: Of each call; none where the block was broken off.
        disturbed: Whether another program had a core that the model needed.
    """

    ms: FloatArray
    disturbed: bool


class WorkerProcess:
    """The near end of a `latency_worker` process."""

    def __init__(self, model: TimedModel, threads: int, vocabulary: int, seed: int) -> None:
        self._path = model.path
        self._error_output = tempfile.TemporaryFile()  # noqa: SIM115  closed in close()
        count = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
        numbers = {"--threads": threads, "--vocabulary": vocabulary, "--seed": seed}
        command = [sys.executable, "-P", "-m", WORKER_MODULE, str(model.path)]
        options = [word for name, number in numbers.items() for word in (name, str(number))]
        options += ["--texts", str(model.texts)] if model.texts else []
        options += ["--device", model.device]
        self._process = subprocess.Popen(
            [*command, "--runtime", model.runtime, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._error_output,
            text=True,
            env=os.environ | ALLOCATOR | dict(brief_spinning()) | count,
            process_group=0,  # ended with what it starts; Ctrl-C reaches its parent alone
        )
        self._requests = cast("IO[str]", self._process.stdin)
        self._replies = cast("IO[str]", self._process.stdout)

    def wait_until_loaded(self) -> None:
        """Wait for the model."""
        self._receive()

    def peak_bytes(self, shape: Shape) -> int:
        """Return the most memory so far, in bytes, above that before loading."""
        return int(self._ask("peak", shape)["bytes"])

    def dtype(self) -> str:
        """Return what the model multiplies in, such as "float32"."""
        return str(self._ask("dtype")["dtype"])

    def warm_up(self, shape: Shape, seconds: float) -> WarmUp:
        """Run the shape until its time is stable, or for about so many seconds."""
        answer = self._ask("warm_up", shape, seconds=seconds)
        return WarmUp(answer["calls"], answer["call_ms"])

    def block(self, shape: Shape, calls: int, *, first: int = 0, patient: bool) -> Block:
        """Time so many consecutive calls; a patient caller has it broken off when disturbed.

        Args:
            shape: What they are run on.
            calls: How many.
            first: The number of the first batch, where they are run on texts.
            patient: Whether to break off.
        """
        answer = self._ask("block", shape, calls=calls, first=first, patient=patient)
        return Block(np.asarray(answer["ms"], dtype=np.float64), answer["disturbed"])

    def close(self) -> None:
        """End the process at once, and what it started: it has nothing to save."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with suppress(BrokenPipeError), self._process:  # closes the pipes, and waits
            self._error_output.close()

    def _ask(self, do: str, shape: Shape | None = None, **more: float) -> dict[str, Any]:
        request = {"do": do, **(asdict(shape) if shape else {}), **more}
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
            kind = InputError if answer["input"] else BertslimError
            raise kind(**answer["error"]) from WorkerTraceback(answer["traceback"])
        return answer

    def _death(self) -> BertslimError:
        status = self._process.wait()
        where = str(self._path)
        if status < 0:
            return BertslimError(
                f"the process that measured the model was ended by {signal.Signals(-status).name}",
                where=where,
                remedy="if memory ran out, use a smaller batch or length",
            )
        self._error_output.seek(0)
        error_lines = self._error_output.read().decode(errors="replace").strip().splitlines()
        last = error_lines[-1] if error_lines else f"exit status {status}"
        return BertslimError(f"the process that measured the model failed: {last}", where=where)
