"""Results as a notebook shows them: the verdict and the figures, in the notebook's own style."""

from __future__ import annotations

from markupsafe import Markup, escape

from bertslim.printable import printable
from bertslim.records import Frontier, Record
from bertslim.report.answers import Verdict, summary_of
from bertslim.report.frontier_sections import points_table
from bertslim.report.frontier_sections import title_of as frontier_title
from bertslim.report.frontier_summary import frontier_summary
from bertslim.report.measurement_tables import before_and_after
from bertslim.report.page import html_of, with_units
from bertslim.report.render import title_of
from bertslim.report.tables import Table


def record_html(record: Record) -> str:
    """Write the verdict on a result and the table of its figures; text from outside is escaped."""
    return _fragment(title_of(record), summary_of(record).verdict, before_and_after(record))


def frontier_html(frontier: Frontier) -> str:
    """Write the verdict on a search and the table of its points; text from outside is escaped."""
    verdict = frontier_summary(frontier).verdict
    return _fragment(frontier_title(frontier), verdict, points_table(frontier))


def _fragment(title: str, verdict: Verdict, table: Table | None) -> str:
    lines = [Markup("<strong>{}</strong>: {}.").format(printable(title), verdict.words)]
    lines += [escape(with_units(printable(reason))) for reason in verdict.reasons]
    shown = html_of(with_units(table.markdown())) if table else ""
    return str(Markup("<div><p>{}</p>{}</div>").format(Markup("<br>").join(lines), shown))
