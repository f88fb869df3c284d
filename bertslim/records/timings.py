"""The times of models in their runtimes, as `bertslim bench` measures them."""

from __future__ import annotations

from typing import Any, Literal

from bertslim.records.alternatives import Alternatives
from bertslim.records.frozen import Count, Frozen
from bertslim.records.measurements import Interval
from bertslim.records.provenance import Environment


class TimeRatio(Frozen):
    """How the time of one model compares with that of another at the same shape.

    Attributes:
        model: The other one, as it was called.
        runtime: The runtime of the other one.
        ratio: Time of this model / time of the other.
        interval: Of the ratio.
    """

    model: str
    runtime: str
    ratio: float
    interval: Interval


class Timing(Frozen):
    """How long one model in one runtime takes for one call at one shape.

    Attributes:
        model: As it was called.
        runtime: Such as "torch" or "openvino-bf16".
        dtype: The type of its multiplications.
        device: Where it ran, "cpu" or "cuda".
        batch: Sequences a call.
        length: Tokens a sequence; "data" for texts as they come.
        tokens: Tokens a sequence on average, padding left out.
        padding: The share of the positions that is padding.
        median_ms: Median over all calls, in ms.
        p90_ms: Their 90th percentile.
        p99_ms: Their 99th percentile.
        texts_per_second: Sequences in a second of calls, over all of them.
        calls: How many there were.
        to_first: Beside the first model in its first runtime; None for that itself.
        to_base: Beside the first model in the same runtime, or where it ran in no such one, in its
            first; None for the first model.
        fastest: Whether nothing was faster at this shape beyond doubt.
    """

    model: str
    runtime: str
    dtype: str
    device: str = "cpu"
    batch: Count
    length: Count | Literal["data"]
    tokens: float
    padding: float
    median_ms: float
    p90_ms: float
    p99_ms: float
    texts_per_second: float
    calls: Count
    to_first: TimeRatio | None
    to_base: TimeRatio | None
    fastest: bool


class TimedTexts(Frozen):
    """The texts that models were timed on, where they were drawn from data.

    Attributes:
        source: The data.
        texts: How many were drawn; as many sequences as there are parts of long ones, or texts of
            pairs that are embedded one by one.
        tokens: Tokens of each on average, as the first model reads them.
        longest: Tokens of the longest.
    """

    source: str
    texts: Count
    tokens: float
    longest: Count


class BenchResult(Frozen):
    """The result of `bertslim bench`.

    Attributes:
        timings: Shape by shape, in the order of the models and their runtimes.
        texts: What the length "data" stands for; None: it was not timed.
        alternatives: What was compared, and how good each is; None: answers were not compared.
        launches: How often all processes were started.
        notes: Notes for the reader.
    """

    timings: tuple[Timing, ...]
    texts: TimedTexts | None = None
    alternatives: Alternatives | None = None
    environment: Environment
    launches: Count
    seed: int
    notes: tuple[str, ...] = ()

    def in_short(self) -> dict[str, Any]:
        """Return the median of each model and runtime at each shape, in ms."""
        return {
            f"{one.model} in {one.runtime} at {one.batch}x{one.length}": round(one.median_ms, 3)
            for one in self.timings
        }
