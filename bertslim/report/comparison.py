"""The tables of what was measured: before and after, latency, quality."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bertslim.records import ExportRecord, Measurement, Record
from bertslim.report.escape import escape
from bertslim.report.figures import (
    base_value,
    between,
    change,
    constant_context,
    context_value,
    interval,
    label,
    shape,
    slim_value,
    speed_up,
    varying_context,
)
from bertslim.report.numbers import significant
from bertslim.report.tables import NOTHING, Table

_PERCENTILES = ("latency", "latency.p90", "latency.p99")
_IN_TABLES_OF_THEIR_OWN = ("parameters.layer", *_PERCENTILES[1:], "fidelity.", "classes.")
_SHAPE = ("batch", "length")
_EFFORT = (
    "runs", "rounds", "warmup", "blocks_timed_again", "blocks_disturbed", "n", "what",
)  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """A table of measurements, and what was held fixed for all of them.

    Attributes:
        held_fixed: Such as {"runtime": "torch", "threads": "2"}.
    """

    table: Table
    held_fixed: dict[str, str]

    def markdown(self) -> str:
        """Write the table, and above it what was held fixed."""
        if not self.held_fixed:
            return self.table.markdown()
        words = ", ".join(f"{_word(key)} {value}" for key, value in self.held_fixed.items())
        return f"Held fixed: {escape(words)}.\n\n{self.table.markdown()}"


def sides(record: Record) -> tuple[str, str]:
    """What the two models are called: a retrained one need not be slim."""
    if record.kind == "cut":
        return "base", "slim"
    taught = record.training is not None and record.training.teacher is not None
    return ("teacher" if taught else "before"), "after"


def before_and_after(record: Record) -> Table | None:
    """Compare the models figure by figure; the layers' own sizes stand in the plan."""
    chosen = [
        measurement
        for measurement in record.measurements
        if not measurement.name.startswith(_IN_TABLES_OF_THEIR_OWN)
    ]
    if not chosen:
        return None
    rows = (
        (
            _told_apart(measurement, record.find(measurement.name)),
            base_value(measurement),
            slim_value(measurement),
            change(measurement),
            interval(measurement),
        )
        for measurement in chosen
    )
    headers = ("figure", *sides(record), "change", "95 % interval")
    return Table("lrrrr", headers, tuple(rows)).without_empty_columns()


def latencies(record: Record) -> Comparison | None:
    """Compare the latencies, a row a shape."""
    found = record.find("latency")
    if not found:
        return None
    without = (*_SHAPE, "rounds", "warmup")
    varying = varying_context(found, without=without)
    in_ms = (f"{side}, ms" for side in sides(record))
    headers = ("shape", *map(_word, varying), *in_ms, "speed-up", "95 % interval")
    rows = (
        (
            shape(measurement) or NOTHING,
            *_context(measurement, varying),
            _joined(one.base for one in _percentiles(record, measurement)),
            _joined(one.slim for one in _percentiles(record, measurement)),
            speed_up(measurement.ratio) if measurement.ratio else NOTHING,
            _speed_up_interval(measurement),
        )
        for measurement in found
    )
    table = Table("l" * (1 + len(varying)) + "rrrr", headers, tuple(rows))
    return Comparison(table.without_empty_columns(), constant_context(found, without=without))


def quality(record: Record) -> Comparison | None:
    """Compare the metrics of the task, and tell how closely the slim model follows the base."""
    return _quality(record.measurements, *sides(record))


def export_quality(export: ExportRecord) -> Comparison | None:
    """Compare what an exported file answers with what PyTorch does."""
    return _quality(export.measurements, "PyTorch fp32", export.precision)


def _quality(measurements: Sequence[Measurement], before: str, after: str) -> Comparison | None:
    found = [one for one in measurements if one.name.startswith(("accuracy.", "fidelity."))]
    if not found:
        return None
    varying = varying_context(found)
    headers = ("figure", before, after, "change", "95 % interval", *map(_word, varying))
    rows = (
        (
            label(measurement),
            base_value(measurement),
            slim_value(measurement),
            change(measurement),
            interval(measurement),
            *_context(measurement, varying),
        )
        for measurement in found
    )
    table = Table("lrrrr" + "l" * len(varying), headers, tuple(rows))
    return Comparison(table.without_empty_columns(), constant_context(found))


def _told_apart(measurement: Measurement, siblings: Sequence[Measurement]) -> str:
    """Label a measurement, with what tells it apart from those of the same name and shape."""
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


def _speed_up_interval(measurement: Measurement) -> str:
    found = measurement.interval
    if found is None or found.of != "ratio" or not found.low or not found.high:
        return NOTHING
    return between(speed_up(found.high), speed_up(found.low))


def _word(key: str) -> str:
    return key.replace("_", " ")
