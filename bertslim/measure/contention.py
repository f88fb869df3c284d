"""How long this process's threads wait for a core while other programs run on it."""

from __future__ import annotations

import time
from pathlib import Path

DISTURBED_SHARE = 0.1
_THREADS = Path("/proc/self/task")


class ContentionProbe:
    """A span of time, from here on, in which another program may take the cores."""

    def __init__(self) -> None:
        self._start, self._waited_ms = time.perf_counter(), waited_ms()

    def disturbed(self) -> bool:
        """Whether this process's threads waited for a core for a tenth of the time so far."""
        passed_ms = 1e3 * (time.perf_counter() - self._start)
        return waited_ms() - self._waited_ms > DISTURBED_SHARE * passed_ms


def waited_ms() -> float:
    """Time, in ms, that the threads of this process were ready to run and had no core, all in all.

    The run delay of `schedstat` (Linux kernel, Documentation/scheduler/sched-stats.rst). Where the
    kernel does not keep it, the time is 0, as if no thread ever waited.
    """
    return sum(map(_run_delay_ns, _THREADS.iterdir())) / 1e6


def _run_delay_ns(thread: Path) -> int:
    try:
        return int((thread / "schedstat").read_text(encoding="ascii").split()[1])
    except OSError:  # the kernel keeps none, or the thread has just ended
        return 0
