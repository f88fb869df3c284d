"""How long to train, and how much of that is done."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

WARM_UP = 0.1


@dataclass
class Budget:
    """A number of steps, or of seconds.

    Attributes:
        steps: Batches to train on; None where the clock counts.
        seconds: Time to train for; None where the steps count.
        clock: Tells the time in seconds.
        done: How much of the seconds is over, from 0 to 1, as of the last `tick`.
    """

    steps: int | None = None
    seconds: float | None = None
    clock: Callable[[], float] = time.monotonic
    done: float = 0.0
    _started: float | None = field(default=None, init=False)

    def start(self, spent: float = 0.0) -> None:
        """Let the clock run.

        Args:
            spent: Seconds that an interrupted run has trained for already.
        """
        self._started = self.clock() - spent

    @property
    def elapsed(self) -> float:
        """Seconds of training so far, those before an interruption included."""
        return 0.0 if self._started is None else self.clock() - self._started

    def tick(self, agree: Callable[[float], float]) -> None:
        """Look at the clock.

        Args:
            agree: Makes one number of the clocks of several processes.
        """
        if self.seconds is not None:
            self.done = agree(min(1.0, self.elapsed / self.seconds))

    def share(self, step: int) -> float:
        """Return how much of it is done after so many steps, from 0 to 1."""
        return self.done if self.steps is None else min(1.0, step / self.steps)


def rate_at(share: float) -> float:
    """Return the learning rate as a part of the highest, when so much of the budget is done.

    It rises for a tenth of the budget, then falls to 0.
    """
    if share < WARM_UP:
        return share / WARM_UP
    return (1 - share) / (1 - WARM_UP)
