"""The result of `bertslim bench --alternatives`: one table of speed and score, and what it says."""

from __future__ import annotations

from collections.abc import Iterator

from bertslim.printable import printable
from bertslim.records import Alternatives, BenchResult, ServedModel, Timing
from bertslim.records.sources import shown_source
from bertslim.report.measurement_text import (
    between,
    change,
    interval,
    kind_of,
    slim_value,
)
from bertslim.report.numbers import fixed, significant
from bertslim.report.tables import NOTHING, Table
from bertslim.report.timing_table import measured_line, texts_lines, timed_at
from bertslim.wording import listed

_MB = 1e6


def alternatives_text(result: BenchResult, alternatives: Alternatives) -> str:
    """Write the whole report as Markdown."""
    paragraphs = (
        alternatives_table(result, alternatives).markdown(),
        *(f"{printable(line)}." for line in _sentences(result, alternatives)),
    )
    return "\n".join(paragraphs)


def alternatives_table(result: BenchResult, alternatives: Alternatives) -> Table:
    """A row a model, runtime and precision: its size, times, and score beside the whole model's."""
    shapes = _shapes(result)
    at_shapes = [header for shape in shapes for header in (f"{shape}, ms", "times as fast (95 %)")]
    metric = kind_of(alternatives.served[0].score.name)
    headers = ("model", "runtime", "in", "MB", *at_shapes, metric, "change", "95 %")
    rows = tuple(
        (
            served.model,
            served.runtime,
            served.dtype,
            significant(served.size / _MB),
            *(cell for shape in shapes for cell in _times(_timing(result, served, shape))),
            *_score(served),
        )
        for served in alternatives.served
    )
    return Table("lll" + "r" * (len(headers) - 3), headers, rows)


def best_lines(result: BenchResult, alternatives: Alternatives) -> Iterator[str]:
    """Name, for each shape, those that no other is both as fast as and better than."""
    for shape in _shapes(result):
        timed = [
            (served, timing.to_first.ratio if timing.to_first else 1.0)
            for served in alternatives.served
            if (timing := _timing(result, served, shape)) is not None
        ]
        best = [
            served
            for served, ratio in timed
            if not any(
                other_ratio <= ratio
                and _worth(other) >= _worth(served)
                and (other_ratio, -_worth(other)) != (ratio, -_worth(served))
                for other, other_ratio in timed
            )
        ]
        named = listed([f"{one.model} in {one.runtime} ({one.dtype})" for one in best], limit=8)
        yield f"At {shape}, by the figures as they are, nothing is faster and better than: {named}"


def _sentences(result: BenchResult, alternatives: Alternatives) -> Iterator[str]:
    first = alternatives.served[0]
    data = alternatives.data
    yield (
        f"Times, scores and intervals are beside {first.model} in {first.runtime}; scored on "
        f"{alternatives.scored:,} held-out rows of "
        f"{shown_source(data.report_source or data.source)}, the same for all"
    )
    yield from best_lines(result, alternatives)
    for model in alternatives.models:
        yield f"{model.name}: {model.source}, {model.made}"
    yield from texts_lines(result)
    yield "Note: times leave out the tokenizer, which every model needs"
    yield from (f"Note: {note}" for note in result.notes)
    yield measured_line(result)


def _shapes(result: BenchResult) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(timed_at, result.timings)))


def _timing(result: BenchResult, served: ServedModel, shape: str) -> Timing | None:
    key = served.model, served.runtime, served.dtype, shape
    return next(
        (
            timing
            for timing in result.timings
            if (timing.model, timing.runtime, timing.dtype, timed_at(timing)) == key
        ),
        None,
    )


def _times(timing: Timing | None) -> tuple[str, str]:
    """Write the median, and how many times as fast as the first."""
    if timing is None:
        return NOTHING, NOTHING
    median, beside = significant(timing.median_ms), timing.to_first
    if beside is None:
        return median, fixed(1, 2)
    low, high = (fixed(1 / end, 2) for end in (beside.interval.high, beside.interval.low))
    return median, f"{fixed(1 / beside.ratio, 2)} ({between(low, high)})"


def _score(served: ServedModel) -> tuple[str, str, str]:
    return slim_value(served.score), change(served.score), interval(served.score)


def _worth(served: ServedModel) -> float:
    """Return the score so that more is better."""
    value = served.score.slim or 0.0
    return value if served.score.metric.higher_is_better else -value
