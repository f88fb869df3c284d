"""The parts of a report with the pictures that belong to them."""

from __future__ import annotations

from collections.abc import Iterator

from bertslim.records import Record, Role
from bertslim.report.analysis import analysis_parts
from bertslim.report.classes import classes_of, most_changed
from bertslim.report.comparison import sides
from bertslim.report.figures import kind_of, shape
from bertslim.report.headline import at_headline_shape, quality_figure
from bertslim.report.part import Part, Picture
from bertslim.report.plots.accuracy_latency import COMPARABLE, Axes, Place, accuracy_latency
from bertslim.report.plots.class_scores import class_scores
from bertslim.report.plots.layers import layers_drawing
from bertslim.report.sections import (
    SECTIONS,
    Section,
    analysis_section,
    classes_section,
    lead,
    plan_section,
    quality_section,
)
from bertslim.report.sources import last_component
from bertslim.report.svg import IN_PAGE, Drawing, Palette


def parts_of(record: Record, colours: Palette = IN_PAGE) -> tuple[Part, ...]:
    """Return all parts of a report but its title, in their order."""
    first = lead(record)
    parts = (part for section in SECTIONS for part in _parts(section, record, colours))
    return (*((Part(first),) if first else ()), *parts)


def _parts(section: Section, record: Record, colours: Palette) -> Iterator[Part]:
    if section is analysis_section:
        yield from analysis_parts(record.analysis, colours) if record.analysis else ()
        return
    text = section(record)
    if text is not None:
        yield Part(text, tuple(_pictures(section, record, colours)))


def _pictures(section: Section, record: Record, colours: Palette) -> Iterator[Picture]:
    if section is plan_section and record.plan is not None:
        yield Picture("layers", layers_drawing(record.plan, colours))
    if section is quality_section and (drawing := _quality_drawing(record, colours)):
        yield Picture("accuracy-latency", drawing)
    if section is classes_section:
        classes = most_changed(classes_of(record))
        yield Picture("classes", class_scores(classes, *sides(record), colours))


def _quality_drawing(record: Record, colours: Palette) -> Drawing | None:
    """Draw base and slim model by accuracy and latency, if both are known."""
    latencies, metric = record.find("latency"), quality_figure(record)
    if not latencies or metric is None or metric.unit not in COMPARABLE:
        return None
    latency = at_headline_shape(latencies)
    each: tuple[tuple[str, Role, float | None, float | None], ...] = (
        (record.base.source, "base", latency.base, metric.base),
        (record.slim.source, "slim", latency.slim, metric.slim),
    )
    places = [
        Place(last_component(source), time, score, role)
        for source, role, time, score in each
        if time is not None and score is not None
    ]
    if len(places) < len(each):
        return None
    axes = Axes(kind_of(metric.name), metric.unit, f"ms a call at {shape(latency)}")
    return accuracy_latency(places, axes, colours)
