"""The times that a latency bench gathers at one shape."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from bertslim.arrays import FloatArray

NOW_AND_THEN = 0.05
MOSTLY = 0.8
FEWEST_ROUNDS = 5


@dataclass
class Samples:
    """What was gathered of one shape: a block of times, in ms, a round and model.

    Attributes:
        batches: How many batches of texts the calls go through, in turn; 0 where all calls have the
            same inputs.
        calls: How many a block has, by model: of a fast one more, so that all last about as long.
        warm_up_calls: How many were made before, at least.
        blocks: By model: (calls,) each.
        timed_again: How many more blocks there were that do not count: they were disturbed.
        disturbed: How many count that are disturbed, as this would not end.
        starts: The number of rounds before each launch.
    """

    batches: int = 0
    calls: dict[str, int] = field(default_factory=dict)
    warm_up_calls: int = 0
    blocks: dict[str, list[FloatArray]] = field(default_factory=dict)
    timed_again: int = 0
    disturbed: int = 0
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
        """Rounds that all models have run."""
        return min((len(blocks) for blocks in self.blocks.values()), default=0)

    @property
    def counted_blocks(self) -> int:
        """Blocks of all models that count."""
        return self.rounds * len(self.blocks)

    @property
    def often_disturbed(self) -> bool:
        """Whether models had to wait for cores more than now and then."""
        all_blocks = self.counted_blocks + self.timed_again
        return self.timed_again + self.disturbed > NOW_AND_THEN * all_blocks

    @property
    def doubt(self) -> str | None:
        """Say why no figure is to be made of these times; None: there is no reason."""
        if self.disturbed > MOSTLY * self.counted_blocks:
            return (
                "cannot tell on this busy machine: other programs had the cores in "
                f"{self.disturbed} of {self.counted_blocks} blocks of calls"
            )
        if self.rounds < FEWEST_ROUNDS:
            busy = " on this busy machine" if self.often_disturbed else ""
            rounds = "1 round" if self.rounds == 1 else f"{self.rounds} rounds"
            return f"cannot tell{busy}: there was time for {rounds} of calls alone"
        return None

    def times(self, name: str) -> FloatArray:
        """All times of one model, shape (rounds, calls)."""
        return np.stack(self.blocks[name])

    def compared_times(self, name: str, *, this_launch: bool = False) -> FloatArray:
        """What a round compares of a model: (rounds, calls), or of texts their mean, (rounds,).

        In a round all models run the same texts, and a call on a long one counts for what it takes.

        Args:
            name: The model.
            this_launch: Whether only the rounds since the processes were started count.
        """
        times = self.times(name)[self.starts[-1] if this_launch else 0 : self.rounds]
        return times.mean(axis=1) if self.batches else times

    def fastest(self, name: str) -> float:
        """Return what the fastest call took; of texts, the mean over the fastest of each batch."""
        times = self.times(name).ravel()
        if not self.batches:
            return float(times.min())
        batch = np.arange(len(times)) % self.batches
        seen = np.unique(batch)
        return float(np.mean([times[batch == number].min() for number in seen]))
