"""Several results in one report: what each gained and lost beside its base."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from bertslim.records import Measurement, Record
from bertslim.report.escape import escape
from bertslim.report.figures import (
    base_value,
    change,
    interval,
    kind_of,
    label,
    shape,
    slim_value,
    speed_up,
)
from bertslim.report.headline import at_headline_shape, quality_figure
from bertslim.report.part import Part, Picture
from bertslim.report.plots.accuracy_latency import COMPARABLE, Axes, Place, accuracy_latency
from bertslim.report.render import title_of
from bertslim.report.sources import shown_source
from bertslim.report.svg import IN_PAGE, Palette
from bertslim.report.tables import NOTHING, Table
from bertslim.wording import listed

TITLE = "Results side by side"
_QUALITY = ("accuracy.", "fidelity.")


def side_by_side(records: Sequence[Record], colours: Palette = IN_PAGE) -> tuple[Part, ...]:
    """Compare results: an overview, then latency and quality in full, then what is not alike."""
    parts = [Part(_overview(records), tuple(_picture(records, colours)))]
    speed = _rows(records, lambda one: one.name == "latency", shape, _sped_up, "shape")
    if speed:
        parts.append(Part(f"## Latency\n\nTimes as fast as the base.\n\n{speed.markdown()}"))
    if quality := _rows(
        records, lambda one: one.name.startswith(_QUALITY), label, _moved, "figure"
    ):
        parts.append(Part(f"## Quality\n\n{quality.markdown()}"))
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


def _overview(records: Sequence[Record]) -> str:
    rows = []
    for name, record in zip(names_of(records), records, strict=True):
        parameters = next(iter(record.find("parameters")), None)
        latency = _latency(record)
        quality = quality_figure(record)
        rows.append(
            (
                name,
                slim_value(parameters) if parameters else NOTHING,
                change(parameters) if parameters else NOTHING,
                f"{_sped_up(latency)} at {shape(latency)}" if latency else NOTHING,
                f"{label(quality)} {slim_value(quality)}" if quality else NOTHING,
                _change(quality) if quality else NOTHING,
            )
        )
    headers = ("result", "parameters", "change", "times as fast", "quality", "change (95 %)")
    return Table("lrrrrr", headers, tuple(rows)).without_empty_columns().markdown()


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
    if quality.unit not in COMPARABLE:
        return
    places = [
        Place(name, one.ratio, figure.slim, "slim")
        for name, _, one, figure in known
        if one.ratio and figure.slim is not None
    ]
    if quality.base is not None:
        places.insert(0, Place(shown_source(record.base.source), 1.0, quality.base, "base"))
    axes = Axes(kind_of(quality.name), quality.unit, f"of the base's time at {shape(latency)}")
    yield Picture("accuracy-latency", accuracy_latency(places, axes, colours))


def _topic(record: Record, latency: Measurement, quality: Measurement) -> tuple[object, ...]:
    """What has to be alike for two results to stand in one picture."""
    return record.base.sha256, shape(latency), quality.name, _report_sha256(record)


def _latency(record: Record) -> Measurement | None:
    found = record.find("latency")
    return at_headline_shape(found) if found else None


def _rows(
    records: Sequence[Record],
    wanted: Callable[[Measurement], bool],
    named: Callable[[Measurement], str],
    told: Callable[[Measurement], str],
    kind: str,
) -> Table | None:
    """Make a table with a row a kind of figure and a column a result."""
    found = [{named(one): one for one in record.measurements if wanted(one)} for record in records]
    kinds = dict.fromkeys(kind for figures in found for kind in figures)
    if not kinds:
        return None
    rows = (
        (one, *(told(figures[one]) if one in figures else NOTHING for figures in found))
        for one in kinds
    )
    return Table("l" + "r" * len(records), (kind, *names_of(records)), tuple(rows))


def _sped_up(latency: Measurement) -> str:
    if not latency.ratio:
        return NOTHING
    found = latency.interval
    if found is None or found.of != "ratio" or not found.low:
        return speed_up(latency.ratio)
    return f"{speed_up(latency.ratio)} ({speed_up(found.high)} to {speed_up(found.low)})"


def _moved(figure: Measurement) -> str:
    before = "" if figure.base is None else f"{base_value(figure)} → "
    moved = _change(figure)
    return f"{before}{slim_value(figure)}" + (f", {moved}" if moved != NOTHING else "")


def _change(figure: Measurement) -> str:
    moved, sure = change(figure), interval(figure)
    return moved if NOTHING in (moved, sure) else f"{moved} ({sure.removesuffix(' points')})"


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
