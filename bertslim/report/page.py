"""A record -> report.html: one file that needs nothing else, for screens large and small and paper.

The text is that of report.md; pictures stand behind the section that they belong to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from bertslim.records import Analysis, Record, Role
from bertslim.report.analysis import sections_of
from bertslim.report.analysis import title_of as analysis_title
from bertslim.report.escape import printable
from bertslim.report.figures import kind_of, shape
from bertslim.report.headline import at_headline_shape, quality_figure
from bertslim.report.plots import Place, accuracy_latency, layers_drawing
from bertslim.report.render import opening_lines, title_of
from bertslim.report.sections import SECTIONS, lead, plan_section, quality_section
from bertslim.report.sources import last_component
from bertslim.report.svg import Drawing
from bertslim.report.tiles import tiles_of

Section = Callable[[Record], str | None]


@dataclass(frozen=True)
class PageSection:
    """A part of a page.

    Attributes:
        body: HTML.
        pictures: SVG.
    """

    body: Markup
    pictures: tuple[Markup, ...] = ()


def render_page(record: Record) -> str:
    """Write a record as HTML; whatever a model, a recipe or data hold is shown as text."""
    written = ((section, section(record)) for section in SECTIONS)
    sections = [
        PageSection(html_of(text), tuple(map(_markup, pictures_of(section, record))))
        for section, text in written
        if text is not None
    ]
    if (first := lead(record)) is not None:
        sections.insert(0, PageSection(html_of(first)))
    return page(title_of(record), opening_lines(record), tiles_of(record), sections)


def render_analysis_page(analysis: Analysis) -> str:
    """Write an analysis as HTML."""
    sections = [
        PageSection(html_of(one.text), tuple(map(_markup, one.pictures)))
        for one in sections_of(analysis)
    ]
    origin = f"Found by bertslim {analysis.bertslim} on {last_component(analysis.data.source)}."
    return page(analysis_title(analysis), [origin], (), sections)


def page(
    title: str, origin: Sequence[str], tiles: Sequence[Any], sections: Sequence[PageSection]
) -> str:
    """Fill the template; text is escaped, sections are HTML."""
    template = _environment().get_template("report.html.j2")
    return template.render(
        title=printable(title),
        origin=[printable(line) for line in origin],
        tiles=tiles,
        sections=sections,
    )


def pictures_of(section: Section, record: Record) -> tuple[Drawing, ...]:
    """Return the pictures that belong to a section."""
    if section is plan_section and record.plan is not None:
        return (layers_drawing(record.plan),)
    if section is quality_section:
        drawing = quality_drawing(record)
        return (drawing,) if drawing else ()
    return ()


def quality_drawing(record: Record) -> Drawing | None:
    """Draw base and slim model by accuracy and latency, if both are known."""
    latencies, metric = record.find("latency"), quality_figure(record)
    if not latencies or metric is None or metric.unit != "share":
        return None
    latency = at_headline_shape(latencies)
    sides: tuple[tuple[str, Role, float | None, float | None], ...] = (
        (record.base.source, "base", latency.base, metric.base),
        (record.slim.source, "slim", latency.slim, metric.slim),
    )
    places = [
        Place(last_component(source), time, score, role)
        for source, role, time, score in sides
        if time is not None and score is not None
    ]
    if len(places) < len(sides):
        return None
    return accuracy_latency(places, kind_of(metric.name), shape(latency))


def html_of(text: str) -> Markup:
    """Turn Markdown into HTML; HTML in it stays text."""
    return Markup(_markdown().render(text))  # noqa: S704 (it renders no HTML of the text's own)


def _markup(drawing: Drawing) -> Markup:
    return Markup(drawing.markup())  # noqa: S704 (all text in it is escaped)


@cache
def _markdown() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    wrap = {
        "table_open": '<div class="table" tabindex="0" role="group" aria-label="Table"><table>\n',
        "table_close": "</table></div>\n",
    }
    for name, markup in wrap.items():
        reader.add_render_rule(name, lambda *_, markup=markup: markup)
    return reader


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("bertslim.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
