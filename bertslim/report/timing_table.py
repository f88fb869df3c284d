"""The result of `bertslim bench`: a table, the fastest model, and models that are slower."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bertslim.printable import printable
from bertslim.records import BenchResult, Interval, TimeRatio, Timing
from bertslim.records.sources import shown_source
from bertslim.report.numbers import fixed, significant
from bertslim.report.tables import NOTHING, Table
from bertslim.wording import counted, listed

_TOO_WIDE = 4


def bench_text(result: BenchResult) -> str:
    """Write the whole report as Markdown."""
    paragraphs = (
        bench_table(result).markdown(),
        *(f"{printable(line)}." for line in _sentences(result)),
    )
    return "\n".join(paragraphs)


def bench_table(result: BenchResult) -> Table:
    """A row a model, runtime and shape; where one ran on a GPU, runtimes name the device."""
    headers = (
        *("model", "runtime", "dtype", "shape"),
        *("median, ms", "p90", "p99", "texts / s", "time / first", "95 % interval"),
    )
    return Table("llllrrrrrr", headers, tuple(map(_row, result.timings)))


def fastest_lines(result: BenchResult) -> Iterator[str]:
    """Name the fastest: once if it is the same at every shape, else for each shape."""
    shapes = dict.fromkeys(map(timed_at, result.timings))
    fastest = {
        shape: _Fastest(
            [timing for timing in result.timings if timing.fastest and timed_at(timing) == shape]
        )
        for shape in shapes
    }
    if len(fastest) > 1 and len({each.names for each in fastest.values()}) == 1:
        each_time = ", ".join(f"{each.time} at {shape}" for shape, each in fastest.items())
        yield f"Fastest here at every shape: {next(iter(fastest.values())).names}: {each_time}"
    else:
        for shape, each in fastest.items():
            yield f"Fastest here at {shape}: {each.names}: {each.time}"


def texts_lines(result: BenchResult) -> Iterator[str]:
    """Say what the length "data" stands for, and how much of each batch is padding."""
    if result.texts is None:
        return
    texts, first = result.texts, result.timings[0]
    padding = {
        timing.batch: timing.padding
        for timing in result.timings
        if timing.length == "data" and _entrant(timing) == _entrant(first)
    }
    shares = ", ".join(f"{fixed(100 * share, 0)} % at batch {n}" for n, share in padding.items())
    yield (
        f"Length data: {counted(texts.texts, 'text', 'texts')} drawn from "
        f"{shown_source(texts.source)}, {significant(texts.tokens)} tokens on average, "
        f"{texts.longest} at most; padding is {shares} of the positions; ratios are of the time "
        "for the same texts"
    )


class _Fastest:
    """The timings of one shape that no other is significantly faster than, the fastest first."""

    def __init__(self, timings: Sequence[Timing]) -> None:
        self._quickest, *self._others = sorted(timings, key=lambda timing: timing.median_ms)

    @property
    def names(self) -> str:
        """Name the fastest, and those that are not significantly slower."""
        if not self._others:
            return _entrant(self._quickest)
        others = listed([_entrant(timing) for timing in self._others], limit=3)
        return f"{_entrant(self._quickest)} (not surely faster than {others})"

    @property
    def time(self) -> str:
        """Write the time of the fastest, also as a share of the first model's time."""
        beside = self._quickest.to_first
        share = "" if beside is None else f", {fixed(beside.ratio, 2)} of the first's time"
        return f"{significant(self._quickest.median_ms)} ms{share}"


def slower_lines(result: BenchResult) -> Iterator[str]:
    """Name each model that is significantly slower than the first."""
    for timing in result.timings:
        beside = timing.to_base
        if beside is not None and beside.interval.low > 1:
            yield (
                f"{_entrant(timing)} is slower than {beside.model} in {beside.runtime} at "
                f"{timed_at(timing)}: it takes {_ratio(beside)} of its time"
            )


def _sentences(result: BenchResult) -> Iterator[str]:
    first = result.timings[0]
    if len({_entrant(timing) for timing in result.timings}) > 1:
        yield f"Ratios are to the time of {_entrant(first)} at the same shape"
        yield from fastest_lines(result)
    yield from texts_lines(result)
    yield from (f"Warning: {line}" for line in slower_lines(result))
    yield from (f"Note: {note}" for note in result.notes)
    if any(_uncertain(timing) for timing in result.timings):
        yield "Note: some intervals are too wide to tell; more --seconds or --launches narrow them"
    yield measured_line(result)


def measured_line(result: BenchResult) -> str:
    """Name the machine, the threads, the launches and the versions."""
    here = result.environment
    versions = ", ".join(f"{name} {version}" for name, version in here.versions.items())
    timed_there = any(timing.device != "cpu" for timing in result.timings)
    gpu = f" and {here.gpu}" if here.gpu and timed_there else ""
    return (
        f"Measured on {here.cpu}{gpu} with {counted(here.threads, 'thread', 'threads')}, in "
        f"{counted(result.launches, 'launch', 'launches')}, seed {result.seed}: {versions}"
    )


def _row(timing: Timing) -> tuple[str, ...]:
    beside = timing.to_first
    return (
        timing.model,
        ran_in(timing),
        timing.dtype,
        timed_at(timing),
        *map(significant, (timing.median_ms, timing.p90_ms, timing.p99_ms)),
        significant(timing.texts_per_second),
        NOTHING if beside is None else fixed(beside.ratio, 3),
        NOTHING if beside is None else _interval(beside.interval),
    )


def _entrant(timing: Timing) -> str:
    return f"{timing.model} in {ran_in(timing)}"


def ran_in(timing: Timing) -> str:
    """Name the runtime, and the GPU if it ran there."""
    return timing.runtime if timing.device == "cpu" else f"{timing.runtime} on {timing.device}"


def timed_at(timing: Timing) -> str:
    """Name the shape: "1x128" is one text of 128 tokens."""
    return f"{timing.batch}x{timing.length}"


def _uncertain(timing: Timing) -> bool:
    return timing.to_first is not None and _too_wide(timing.to_first.interval)


def _too_wide(interval: Interval) -> bool:
    return interval.high > _TOO_WIDE * interval.low


def _ratio(ratio: TimeRatio) -> str:
    return f"{fixed(ratio.ratio, 2)} ({_interval(ratio.interval, 2)})"


def _interval(interval: Interval, decimals: int = 3) -> str:
    if _too_wide(interval):
        return "too wide"
    return f"{fixed(interval.low, decimals)} to {fixed(interval.high, decimals)}"
