"""Several results in one report: what each gained and lost against its base."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from bertslim.records import Measurement, Record
from bertslim.records.sources import shown_source
from bertslim.report.escape import escape
from bertslim.report.headline import at_headline_shape, quality_figure
from bertslim.report.measurement_tables import QUALITY_PREFIXES, comparison_table
from bertslim.report.measurement_text import (
    between,
    change,
    interval,
    label,
    shape,
    slim_value,
    speed_up,
)
from bertslim.report.plots.accuracy_latency import Axes, Place, accuracy_latency
from bertslim.report.render import title_of
from bertslim.report.section import Picture, Section
from bertslim.report.tables import NOTHING, Table
from bertslim.wording import listed

TITLE = "Results side by side"


def side_by_side(records: Sequence[Record]) -> tuple[Section, ...]:
    """Compare results: an overview, then latency and quality in full, then what differs."""
    return (
        Section("", (_overview(records),), tuple(_picture(records))),
        *_in_full(records, "Latency", _is_latency, shape),
        *_in_full(records, "Quality", _is_quality, label),
        *_differences_section(records),
    )


def names_of(records: Sequence[Record]) -> tuple[str, ...]:
    """Return the names of the results; those of one name are numbered."""
    titles = [title_of(record) for record in records]
    return tuple(
        title if titles.count(title) == 1 else f"{title} ({titles[: number + 1].count(title)})"
        for number, title in enumerate(titles)
    )


def _overview(records: Sequence[Record]) -> Table:
    """A row a result: how much smaller, how much faster, how good."""
    latencies, qualities = map(_latency, records), list(map(quality_figure, records))
    shapes = _joined(shape(latency) for latency in map(_latency, records) if latency)
    metrics = _joined(label(quality) for quality in qualities if quality)
    rows = tuple(
        (name, *_size(record), _sped_up(latency), *_value_and_change(quality))
        for name, record, latency, quality in zip(
            names_of(records), records, latencies, qualities, strict=True
        )
    )
    headers = (
        "result", "parameters", "change", f"times as fast at {shapes}", metrics, "change (95 %)",
    )  # fmt: skip
    return Table("lrrrrr", headers, rows).without_empty_columns()


def _joined(words: Iterable[str]) -> str:
    return " or ".join(dict.fromkeys(words)) or NOTHING


def _size(record: Record) -> tuple[str, str]:
    size = next(iter(record.find("parameters")), None)
    return (slim_value(size), change(size)) if size else (NOTHING, NOTHING)


def _in_full(
    records: Sequence[Record],
    title: str,
    belongs: Callable[[Measurement], bool],
    kind_of: Callable[[Measurement], str],
) -> Iterator[Section]:
    """Yield a table a kind of figure, with a row a result.

    Args:
        records: The results.
        title: Of the first section; the others continue it.
        belongs: Whether a measurement belongs to the section.
        kind_of: The key of the measurements in one table.
    """
    by_kind = [
        {kind_of(each): each for each in record.measurements if belongs(each)} for record in records
    ]
    sides = "before", "after"
    for kind in dict.fromkeys(kind for measurements in by_kind for kind in measurements):
        named = [
            (name, measurements[kind])
            for name, measurements in zip(names_of(records), by_kind, strict=True)
            if kind in measurements
        ]
        table = comparison_table("result", sides, named)
        if title:
            yield Section(title, (f"### {escape(kind)}", table))
        else:
            yield Section(kind, (table,), level=3)
        title = ""


def _is_latency(measurement: Measurement) -> bool:
    return measurement.name == "latency"


def _is_quality(measurement: Measurement) -> bool:
    return measurement.name.startswith(QUALITY_PREFIXES)


@dataclass(frozen=True)
class _PlacedResult:
    """A result whose latency beside the base's and whose quality are known."""

    name: str
    record: Record
    latency: Measurement
    time: float
    quality: Measurement
    score: float

    @property
    def topic(self) -> tuple[object, ...]:
        """The key that results in one picture have in common."""
        sha256 = self.record.base.sha256, _report_sha256(self.record)
        return *sha256, shape(self.latency), self.quality.name

    @property
    def place(self) -> Place:
        """Its place in the picture."""
        return Place(self.name, self.time, self.score, "slim")


def _picture(records: Sequence[Record]) -> Iterator[Picture]:
    """All results of one base that have one metric; times as shares of the base's."""
    results = list(_comparable(records))
    if len(results) < 2 or len({result.topic for result in results}) > 1:
        return
    first = results[0]
    if not first.quality.metric.rises_to_one:
        return
    places = [result.place for result in results]
    if first.quality.base is not None:
        source = shown_source(first.record.base.source)
        places.insert(0, Place(source, 1.0, first.quality.base, "base"))
    axes = Axes(first.quality.metric, f"of the base's time at {shape(first.latency)}")
    yield Picture("accuracy-latency", partial(accuracy_latency, places, axes))


def _comparable(records: Sequence[Record]) -> Iterator[_PlacedResult]:
    for name, record in zip(names_of(records), records, strict=True):
        latency, quality = _latency(record), quality_figure(record)
        if latency and latency.ratio and quality and quality.slim is not None:
            yield _PlacedResult(name, record, latency, latency.ratio, quality, quality.slim)


def _latency(record: Record) -> Measurement | None:
    latencies = record.find("latency")
    return at_headline_shape(latencies) if latencies else None


def _sped_up(latency: Measurement | None) -> str:
    if latency is None or not latency.ratio:
        return NOTHING
    limits = latency.interval
    if limits is None or limits.of != "ratio" or not limits.low:
        return speed_up(latency.ratio)
    return f"{speed_up(latency.ratio)} ({between(speed_up(limits.high), speed_up(limits.low))})"


def _value_and_change(quality: Measurement | None) -> tuple[str, str]:
    if quality is None:
        return NOTHING, NOTHING
    moved, limits = change(quality), interval(quality)
    if NOTHING not in (moved, limits):
        moved = f"{moved} ({limits.removesuffix(' points')})"
    return slim_value(quality), moved


def _differences_section(records: Sequence[Record]) -> Iterator[Section]:
    if notes := list(_differences(records)):
        yield Section(
            "Differences between the runs", ("\n".join(f"- {escape(note)}" for note in notes),)
        )


def _differences(records: Sequence[Record]) -> Iterator[str]:
    """List what differs between the results, and so may affect the figures."""
    named: tuple[tuple[str, Callable[[Record], object]], ...] = (
        ("base", lambda record: shown_source(record.base.source)),
        ("weights of the base (SHA-256)", lambda record: record.base.sha256[:12]),
        ("held-out rows (SHA-256)", lambda record: (_report_sha256(record) or NOTHING)[:12]),
        ("CPU", lambda record: record.environment.cpu),
        ("threads", lambda record: record.environment.threads),
        ("torch", lambda record: record.environment.versions.get("torch", NOTHING)),
        ("transformers", lambda record: record.environment.versions.get("transformers", NOTHING)),
        ("bertslim", lambda record: record.bertslim),
    )
    for what, read in named:
        values = [str(read(record)) for record in records]
        if len(set(values)) > 1:
            pairs = zip(names_of(records), values, strict=True)
            yield f"{what}: {listed([f'{name} {value}' for name, value in pairs])}"


def _report_sha256(record: Record) -> str | None:
    splits = record.data.splits if record.data else ()
    return next((split.sha256 for split in splits if split.name == "report"), None)
