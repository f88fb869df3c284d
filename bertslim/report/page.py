"""Sections of a report -> one HTML file without other resources, for any screen and paper.

The text is that of report.md; pictures stand below the section that they belong to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup, escape

from bertslim.printable import printable, shortened
from bertslim.records import Analysis, Record
from bertslim.records.sources import last_component
from bertslim.report.analysis_sections import analysis_sections
from bertslim.report.analysis_sections import title_of as analysis_title
from bertslim.report.answers import Answer, Summary, Verdict, summary_of
from bertslim.report.render import opening_lines, title_of
from bertslim.report.section import Picture, Section
from bertslim.report.sections import body_sections
from bertslim.report.svg import IN_PAGE

_LONGEST_TITLE = 120  # characters
_FENCED = re.compile(r"(^`{3,}.*?^`{3,}$)", re.MULTILINE | re.DOTALL)
_BEFORE_UNIT = re.compile(r"(?<=\d) (?=(?:%|x|ms|points|nats|[KMG]iB)(?![\w%]))")


def render_page(record: Record) -> str:
    """Write a record as HTML; text of a model, a recipe or data is escaped."""
    sections = body_sections(record)
    return page(title_of(record), opening_lines(record), sections, summary_of(record))


def render_analysis_page(analysis: Analysis) -> str:
    """Write an analysis as HTML."""
    origin = f"Found by bertslim {analysis.bertslim} on {last_component(analysis.data.source)}."
    return page(analysis_title(analysis), [origin], analysis_sections(analysis))


def page(
    title: str,
    origin: Sequence[str],
    sections: Iterable[Section],
    summary: Summary | None = None,
) -> str:
    """Fill the template.

    Args:
        title: Plain text.
        origin: Lines of plain text below it.
        sections: What stands below that.
        summary: The verdict and the figures that a reader sees first.
    """
    return _template().render(
        title=shortened(printable(title), _LONGEST_TITLE),
        origin=[printable(line) for line in origin],
        summary=_printable_summary(summary) if summary else None,
        sections=[
            {
                "title": with_units(printable(section.title)),
                "level": section.level,
                "folded": section.folded,
                "text": html_of(with_units(section.text())),
                "pictures": [_svg(picture) for picture in section.pictures],
            }
            for section in sections
        ],
    )


def _printable_summary(summary: Summary) -> Summary:
    """Keep numbers with their units; all else that stands there is text of its own."""

    def shown(text: str) -> str:
        return with_units(printable(text))

    verdict = summary.verdict
    return Summary(
        Verdict(verdict.tone, shown(verdict.words), tuple(map(shown, verdict.reasons))),
        tuple(
            Answer(answer.question, shown(answer.figure), shown(answer.words))
            for answer in summary.answers
        ),
    )


def _svg(picture: Picture) -> Markup:
    return Markup(picture.draw(IN_PAGE).markup())  # noqa: S704 (all text in it is escaped)


def with_units(text: str) -> str:
    """Keep numbers and their units on one line; fenced blocks do not change."""
    parts = _FENCED.split(text)
    parts[::2] = (_BEFORE_UNIT.sub("\u00a0", part) for part in parts[::2])
    return "".join(parts)


def html_of(text: str) -> Markup:
    """Turn Markdown into HTML; HTML in it stays text."""
    return Markup(_markdown().render(text))  # noqa: S704 (it renders no HTML of the text's own)


@cache
def _markdown() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    wrap = {
        "table_open": '<div class="table" tabindex="0" role="group" aria-label="Table"><table>\n',
        "table_close": "</table></div>\n",
        "blockquote_open": '<blockquote dir="auto">\n',
    }
    for name, markup in wrap.items():
        reader.add_render_rule(name, lambda *_, markup=markup: markup)
    reader.add_render_rule("fence", _fence)
    return reader


def _fence(_: RendererHTML, tokens: Sequence[Token], place: int, *__: object) -> str:
    """Write code that can be scrolled by keyboard, too."""
    code = escape(tokens[place].content)
    return f'<pre tabindex="0" role="group" aria-label="Code"><code>{code}</code></pre>\n'


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("bertslim.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    return environment.get_template("report.html.j2")
