"""Several results in one report: what each gained and lost beside its base."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from bertslim.records import Measurement, Record
from bertslim.records.sources import shown_source
from bertslim.report.escape import escape
from bertslim.report.figures import (
    base_value,
    between,
    change,
    interval,
    label,
    shape,
    slim_value,
    speed_up,
)
from bertslim.report.headline import at_headline_shape, quality_figure
from bertslim.report.part import Part, Picture
from bertslim.report.plots.accuracy_latency import Axes, Place, accuracy_latency
from bertslim.report.render import title_of
from bertslim.report.svg import IN_PAGE, Palette
from bertslim.report.tables import NOTHING, Table
from bertslim.wording import listed

TITLE = "Results side by side"
_QUALITY = ("accuracy.", "fidelity.")


def side_by_side(records: Sequence[Record], colours: Palette = IN_PAGE) -> tuple[Part, ...]:
    """Compare results: an overview, then latency and quality in full, then what is not alike."""
    parts = [Part(_overview(records).markdown(), tuple(_picture(records, colours)))]
    parts += _in_full(records, "Latency", lambda one: one.name == "latency", shape)
    parts += _in_full(records, "Quality", lambda one: one.name.startswith(_QUALITY), label)
    if notes := list(_not_alike(records)):
        lines = "\n".join(f"- {escape(note)}" for note in notes)
        parts.append(Part(f"## What is not alike\n\n{lines}"))
    return tuple(parts)


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
    shapes = _joined(shape(one) for one in map(_latency, records) if one)
    metrics = _joined(label(one) for one in qualities if one)
    rows = tuple(
        (name, *_size(record), _sped_up(latency), *_moved(quality))
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
    found = next(iter(record.find("parameters")), None)
    return (slim_value(found), change(found)) if found else (NOTHING, NOTHING)


def _in_full(
    records: Sequence[Record],
    title: str,
    wanted: Callable[[Measurement], bool],
    named: Callable[[Measurement], str],
) -> Iterator[Part]:
    """Make a table a kind of figure, with a row a result."""
    found = [{named(one): one for one in record.measurements if wanted(one)} for record in records]
    heading = f"## {title}\n\n"
    for kind in dict.fromkeys(kind for figures in found for kind in figures):
        rows = tuple(
            (name, base_value(one), slim_value(one), change(one), interval(one))
            for name, figures in zip(names_of(records), found, strict=True)
            if (one := figures.get(kind)) is not None
        )
        headers = ("result", "before", "after", "change", "95 % interval")
        table = Table("lrrrr", headers, rows).without_empty_columns().markdown()
        yield Part(f"{heading}### {escape(kind)}\n\n{table}")
        heading = ""


def _picture(records: Sequence[Record], colours: Palette) -> Iterator[Picture]:
    """Draw all results of one base that have one metric; times as shares of the base's."""
    known = []
    for name, record in zip(names_of(records), records, strict=True):
        latency, quality = _latency(record), quality_figure(record)
        if latency and latency.ratio and quality and quality.slim is not None:
            known.append((name, record, latency, quality))
    if len(known) < 2 or len({_topic(*one[1:]) for one in known}) > 1:
        return
    _, record, latency, quality = known[0]
    if not quality.metric.rises_to_one:
        return
    places = [
        Place(name, one.ratio, figure.slim, "slim")
        for name, _, one, figure in known
        if one.ratio and figure.slim is not None
    ]
    if quality.base is not None:
        places.insert(0, Place(shown_source(record.base.source), 1.0, quality.base, "base"))
    axes = Axes(quality.metric, f"of the base's time at {shape(latency)}")
    yield Picture("accuracy-latency", accuracy_latency(places, axes, colours))


def _topic(record: Record, latency: Measurement, quality: Measurement) -> tuple[object, ...]:
    """What has to be alike for two results to stand in one picture."""
    return record.base.sha256, shape(latency), quality.name, _report_sha256(record)


def _latency(record: Record) -> Measurement | None:
    found = record.find("latency")
    return at_headline_shape(found) if found else None


def _sped_up(latency: Measurement | None) -> str:
    if latency is None or not latency.ratio:
        return NOTHING
    found = latency.interval
    if found is None or found.of != "ratio" or not found.low:
        return speed_up(latency.ratio)
    sure = between(speed_up(found.high), speed_up(found.low))
    return f"{speed_up(latency.ratio)} ({sure})"


def _moved(figure: Measurement | None) -> tuple[str, str]:
    if figure is None:
        return NOTHING, NOTHING
    moved, sure = change(figure), interval(figure)
    if NOTHING not in (moved, sure):
        moved = f"{moved} ({sure.removesuffix(' points')})"
    return slim_value(figure), moved


def _not_alike(records: Sequence[Record]) -> Iterator[str]:
    """Say what was not held fixed from result to result, and so may be in the figures, too."""
    named: tuple[tuple[str, Callable[[Record], object]], ...] = (
        ("base", lambda one: shown_source(one.base.source)),
        ("weights of the base (SHA-256)", lambda one: one.base.sha256[:12]),
        ("held-out rows (SHA-256)", lambda one: (_report_sha256(one) or NOTHING)[:12]),
        ("CPU", lambda one: one.environment.cpu),
        ("threads", lambda one: one.environment.threads),
        ("torch", lambda one: one.environment.versions.get("torch", NOTHING)),
        ("transformers", lambda one: one.environment.versions.get("transformers", NOTHING)),
        ("bertslim", lambda one: one.bertslim),
    )
    for what, read in named:
        values = [str(read(record)) for record in records]
        if len(set(values)) > 1:
            pairs = zip(names_of(records), values, strict=True)
            yield f"{what}: {listed([f'{name} {value}' for name, value in pairs])}"


def _report_sha256(record: Record) -> str | None:
    splits = record.data.splits if record.data else ()
    return next((one.sha256 for one in splits if one.name == "report"), None)
