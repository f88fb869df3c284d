"""Results as a notebook shows them: the verdict and the figures, in the notebook's own style."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

from bertslim.printable import printable
from bertslim.records import Frontier, Record
from bertslim.report.answers import summary_of
from bertslim.report.frontier_sections import points_table
from bertslim.report.frontier_sections import title_of as frontier_title
from bertslim.report.frontier_summary import frontier_summary
from bertslim.report.measurement_tables import before_and_after
from bertslim.report.page import html_of, with_units
from bertslim.report.render import title_of
from bertslim.report.tables import Table


def record_html(record: Record) -> str:
    """Write the verdict on a result and the table of its figures; text from outside is escaped."""
    verdict, table = summary_of(record).verdict, before_and_after(record)
    return fragment(title_of(record), (verdict.words, *verdict.reasons), _present(table))


def frontier_html(frontier: Frontier) -> str:
    """Write the verdict on a search and the table of its points; text from outside is escaped."""
    verdict = frontier_summary(frontier).verdict
    words = (verdict.words, *verdict.reasons)
    return fragment(frontier_title(frontier), words, _present(points_table(frontier)))


def fragment(title: str, words: Sequence[str], tables: Sequence[Table]) -> str:
    """Write a result: its title, what it comes to, and tables; text from outside is escaped.

    Args:
        title: What the result is of.
        words: Sentences, the first of them without its full stop and behind the title.
        tables: What stands below them.
    """
    lines = [Markup("<strong>{}</strong>: {}.").format(printable(title), words[0])]
    lines += [escape(with_units(printable(line))) for line in words[1:]]
    shown = Markup("").join(html_of(with_units(table.markdown())) for table in tables)
    return str(Markup("<div><p>{}</p>{}</div>").format(Markup("<br>").join(lines), shown))


def _present(table: Table | None) -> tuple[Table, ...]:
    return (table,) if table else ()
