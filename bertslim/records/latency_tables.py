"""What the levels of a model's blocks take in a runtime, measured on one machine."""

from __future__ import annotations

from typing import Literal

from bertslim.records.analysis import Block
from bertslim.records.frozen import Count, Frozen


class LevelTime(Frozen):
    """The time of a block at a level.

    Attributes:
        block: Which of the two blocks of a layer.
        kind: Its level.
        size: Neurons or heads that are left.
        ms: What it takes in any layer but the topmost with attention.
        top_ms: What it takes there and above, where a runtime may compute one token alone.
    """

    block: Block
    kind: Literal["kept", "narrowed", "linear", "deleted"]
    size: Count
    ms: float
    top_ms: float


class LatencyCheck(Frozen):
    """A whole model that the table was held to.

    Attributes:
        summed_ms: What the times of its blocks add up to.
        measured_ms: What it takes.
    """

    summed_ms: float
    measured_ms: float


class LatencyTable(Frozen):
    """What a model takes, as a sum over its blocks, corrected by a straight line.

    Attributes:
        runtime: What runs it.
        batch: Sequences a call.
        length: Tokens a sequence, or "data" for texts as they come.
        threads: Threads.
        one_token_on_top: Whether the topmost layer with attention computes one token alone.
        fixed_ms: What all models take: embeddings, head, and a topmost layer without its maps.
        rest_ms: What a layer takes beside its two blocks.
        levels: The times of the blocks.
        offset_ms: Of the line: offset + slope x sum.
        slope: Of the line.
        checks: Models that the line was fitted to, the base first.
        mean_error: Mean share by which a check is off the line of the others.
        largest_error: The largest.
    """

    runtime: str
    batch: Count
    length: Count | Literal["data"]
    threads: Count
    one_token_on_top: bool
    fixed_ms: float
    rest_ms: float
    levels: tuple[LevelTime, ...]
    offset_ms: float = 0.0
    slope: float = 1.0
    checks: tuple[LatencyCheck, ...] = ()
    mean_error: float = 0.0
    largest_error: float = 0.0

    @property
    def base_ms(self) -> float:
        """What the base takes, measured."""
        return self.checks[0].measured_ms

    def corrected(self, summed_ms: float) -> float:
        """Return what a model takes of which the times of the blocks add up to this."""
        return self.offset_ms + self.slope * summed_ms
