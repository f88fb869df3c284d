"""What a long run is doing: progress bars for a person, seconds a step for the record."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING, NoReturn, Self, TypeVar

from bertslim.records import Step
from bertslim.terminal import clear_line, print_line

if TYPE_CHECKING:
    from tqdm import tqdm

Item = TypeVar("Item")


def runs_in_notebook() -> bool:
    """Whether a person watches the cell of a notebook, where bars are shown on standard error."""
    shell = sys.modules.get("IPython")
    running = shell and shell.get_ipython()
    return type(running).__name__ == "ZMQInteractiveShell"


class SilentBar:
    """Counts like a bar of tqdm, and shows nothing."""

    n: float = 0

    def __enter__(self) -> Self:
        """Do nothing."""
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing."""

    def update(self, n: float = 1) -> None:
        """Count on."""
        self.n += n

    def set_postfix(self, shown: Mapping[str, object]) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class Progress:
    """Times the steps of a run and shows bars on standard error, if a person is watching.

    Args:
        visible: Whether to show anything; by default, whether standard error is a terminal.
    """

    def __init__(self, *, visible: bool | None = None) -> None:
        self.visible = sys.stderr.isatty() if visible is None else visible
        self._silent = visible is False
        self._steps: list[Step] = []

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps finished so far."""
        return tuple(self._steps)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time one step of the run and, while it lasts, say its name."""
        start = time.perf_counter()
        self._say(f"{name} …")
        try:
            yield
        finally:
            self._say("")
        self._steps.append(Step(name=name, seconds=round(time.perf_counter() - start, 3)))

    def tell(self, line: str) -> None:
        """Write a line that is worth keeping, also where nobody is watching; not if silenced."""
        if not self._silent:
            self._say("")
            print_line(line, error=True)

    def track(
        self, items: Iterable[Item], label: str, *, total: int | None = None, unit: str = "it"
    ) -> Iterable[Item]:
        """Yield the items, with a bar that shows how many are left."""
        with self.bar(label, total=total, unit=unit) as bar:
            for item in items:
                yield item
                bar.update()

    def bar(
        self, label: str, *, total: float | None = None, unit: str = "it"
    ) -> tqdm[NoReturn] | SilentBar:
        """Return a bar to be moved by hand; it shows nothing where nobody is watching."""
        if not self.visible:
            return SilentBar()
        from tqdm import tqdm

        self._say("")
        tqdm.set_lock(RLock())  # tqdm's own lock is for many processes, and starts one for itself
        return tqdm(desc=label, total=total, unit=unit, leave=False, dynamic_ncols=True)

    def _say(self, text: str) -> None:
        if self.visible:
            clear_line(text)
