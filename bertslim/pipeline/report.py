"""`bertslim report`: one result or several -> Markdown, or a directory with a page and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bertslim.output_directory import output_directory, writing
from bertslim.pipeline.publish import PAGE_FILE, REPORT_FILE
from bertslim.records import Record
from bertslim.report.illustrated import parts_of
from bertslim.report.page import page, render_page
from bertslim.report.part import Part
from bertslim.report.picture_files import write_pictures
from bertslim.report.render import render_report
from bertslim.report.side_by_side import TITLE, names_of, side_by_side
from bertslim.report.svg import ON_PAPER
from bertslim.wording import listed

PICTURES = "pictures"


@dataclass(frozen=True)
class WrittenReport:
    """A report in its forms.

    Attributes:
        markdown: As plain text.
        html: As a page.
        pictures: The parts whose pictures are drawn for paper.
    """

    markdown: str
    html: str
    parts: tuple[Part, ...]

    def write(self, target: Path, *, force: bool) -> None:
        """Write a directory: both texts, and each picture as SVG and PNG.

        Raises:
            OutputError: It exists and may not be replaced, or cannot be written.
        """
        with output_directory(target, force=force) as directory, writing(target):
            (directory / REPORT_FILE).write_text(self.markdown, encoding="utf-8")
            (directory / PAGE_FILE).write_text(self.html, encoding="utf-8")
            pictures = (picture for part in self.parts for picture in part.pictures)
            write_pictures(pictures, directory / PICTURES)


def report_of(records: Sequence[Record]) -> WrittenReport:
    """Write the report of one result, or of several side by side."""
    if len(records) == 1:
        record = records[0]
        return WrittenReport(render_report(record), render_page(record), parts_of(record, ON_PAPER))
    texts = (part.text for part in side_by_side(records))
    origin = f"{listed(names_of(records))}: what each gained and lost beside its base."
    return WrittenReport(
        "\n\n".join([f"# {TITLE}", *texts]) + "\n",
        page(TITLE, [origin], side_by_side(records)),
        side_by_side(records, ON_PAPER),
    )
