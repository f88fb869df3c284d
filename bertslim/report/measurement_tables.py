"""The tables of what was measured: before and after, latency, quality."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bertslim.records import ExportRecord, Measurement, Record
from bertslim.records.units import SCORE_PREFIX
from bertslim.report.measurement_text import (
    base_value,
    change,
    constant_context,
    context_value,
    interval,
    label,
    shape,
    slim_value,
    speed_up,
    speed_up_interval,
    varying_context,
)
from bertslim.report.numbers import significant
from bertslim.report.tables import NOTHING, Table, words_of

QUALITY_PREFIXES = (SCORE_PREFIX, "fidelity.")  # of measures of quality
_PERCENTILES = ("latency", "latency.p90", "latency.p99")
_IN_TABLES_OF_THEIR_OWN = ("parameters.layer", *_PERCENTILES[1:], "fidelity.", "classes.")
_SHAPE = ("batch", "length")
_EFFORT = (
    "runs", "rounds", "warmup", "blocks_timed_again", "blocks_disturbed", "n", "what",
)  # fmt: skip


def sides(record: Record) -> tuple[str, str]:
    """The names of the two models: a retrained one need not be slim."""
    if record.kind == "cut":
        return "base", "slim"
    taught = record.training is not None and record.training.teacher is not None
    return ("teacher" if taught else "before"), "after"


def comparison_table(
    what: str,
    sides: tuple[str, str],
    measurements: Iterable[tuple[str, Measurement]],
    varying: Sequence[str] = (),
) -> Table:
    """Compare two models, a row a measurement; columns that would be empty are left out.

    Args:
        what: Header of the first column.
        sides: The names of the two models.
        measurements: Each with its name.
        varying: The keys of their contexts that have a column.
    """
    headers = (what, *sides, "change", "95 % interval", *map(words_of, varying))
    rows = (
        (
            name,
            base_value(measurement),
            slim_value(measurement),
            change(measurement),
            interval(measurement),
            *_context(measurement, varying),
        )
        for name, measurement in measurements
    )
    table = Table("lrrrr" + "l" * len(varying), headers, tuple(rows))
    return table.without_empty_columns()


def before_and_after(record: Record) -> Table | None:
    """Compare the models figure by figure; the plan has the sizes of the layers."""
    measurements = [
        measurement
        for measurement in record.measurements
        if not measurement.name.startswith(_IN_TABLES_OF_THEIR_OWN)
    ]
    if not measurements:
        return None
    named = ((_distinct_label(each, record.find(each.name)), each) for each in measurements)
    return comparison_table("figure", sides(record), named)


def latencies(record: Record) -> Table | None:
    """Compare the latencies, a row a shape."""
    medians = record.find("latency")
    if not medians:
        return None
    without = (*_SHAPE, "rounds", "warmup")
    varying = varying_context(medians, without=without)
    in_ms = (f"{side}, ms" for side in sides(record))
    headers = ("shape", *map(words_of, varying), *in_ms, "speed-up", "95 % interval")
    rows = (
        (
            shape(median) or NOTHING,
            *_context(median, varying),
            _joined(latency.base for latency in _percentiles(record, median)),
            _joined(latency.slim for latency in _percentiles(record, median)),
            speed_up(median.ratio) if median.ratio else NOTHING,
            speed_up_interval(median),
        )
        for median in medians
    )
    table = Table(
        "l" * (1 + len(varying)) + "rrrr",
        headers,
        tuple(rows),
        held_fixed=constant_context(medians, without=without),
    )
    return table.without_empty_columns()


def quality(record: Record) -> Table | None:
    """Compare the metrics of the task, and the fidelity to the base."""
    return _quality(record.measurements, sides(record))


def export_quality(export: ExportRecord) -> Table | None:
    """Compare the outputs of an exported file with those of PyTorch."""
    return _quality(export.measurements, ("PyTorch fp32", export.precision))


def _quality(measurements: Sequence[Measurement], sides: tuple[str, str]) -> Table | None:
    scores = [score for score in measurements if score.name.startswith(QUALITY_PREFIXES)]
    if not scores:
        return None
    named = ((label(score), score) for score in scores)
    table = comparison_table("figure", sides, named, varying_context(scores))
    return replace(table, held_fixed=constant_context(scores))


def _distinct_label(measurement: Measurement, siblings: Sequence[Measurement]) -> str:
    """Label a measurement, with what distinguishes it from those of the same name and shape."""
    varying = varying_context(siblings, without=(*_SHAPE, *_EFFORT))
    words = [value for value in _context(measurement, varying) if value != NOTHING]
    return ", ".join([label(measurement), *words])


def _context(measurement: Measurement, keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(
        context_value(key, measurement.context[key]) if key in measurement.context else NOTHING
        for key in keys
    )


def _percentiles(record: Record, median: Measurement) -> list[Measurement]:
    """The median, p90 and p99 of the same calls."""
    return [
        measurement
        for name in _PERCENTILES
        for measurement in record.find(name)
        if measurement.context == median.context
    ]


def _joined(values: Iterable[float | None]) -> str:
    return " / ".join(significant(value) for value in values if value is not None) or NOTHING
