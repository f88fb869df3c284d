"""`bertslim report`: results, an analysis or a search -> Markdown, or a directory of pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from bertslim.commands.publish import find_result, is_of_other_weights
from bertslim.errors import InputError
from bertslim.file_names import (
    ANALYSIS_FILE,
    FRONTIER_FILE,
    PAGE_FILE,
    RECORD_FILE,
    REPORT_FILE,
)
from bertslim.options.report import ReportOptions
from bertslim.output.directory import output_directory
from bertslim.output.inputs import Input, inputs_of
from bertslim.output.writing import writing
from bertslim.records import (
    Analysis,
    Frontier,
    Record,
    read_analysis,
    read_record,
)
from bertslim.report.analysis_sections import analysis_sections, analysis_text
from bertslim.report.frontier_sections import frontier_page, frontier_sections, frontier_text
from bertslim.report.page import page, render_analysis_page, render_page
from bertslim.report.picture_files import write_pictures
from bertslim.report.render import render_report
from bertslim.report.section import Picture, Section, markdown_of, pictures_of
from bertslim.report.sections import body_sections
from bertslim.report.side_by_side import TITLE, names_of, side_by_side
from bertslim.wording import listed

PICTURES = "pictures"


@dataclass(frozen=True)
class ReportResult:
    """The records of a report, and the report.

    Attributes:
        accounts: The records of results, or one analysis or search.
        notes: What is not as the records say, a line each.
    """

    accounts: tuple[Record, ...] | Analysis | Frontier
    notes: tuple[str, ...] = ()

    @cached_property
    def forms(self) -> ReportForms:
        """The report in its forms, made when it is first read."""
        return report_of(self.accounts)


def report(options: ReportOptions) -> ReportResult:
    """Report results or an analysis, and write the report into a directory if one is named.

    Raises:
        InputError: A directory holds no record, or an analysis is named among others.
        OutputError: The output exists and may not be replaced, or cannot be written.
    """
    directories = options.directories or (find_result(None),)
    result = ReportResult(_read_accounts(directories), tuple(_other_weights(directories)))
    if options.output is not None:
        inputs = inputs_of(replace(options, directories=directories))
        result.forms.write(options.output, inputs, force=options.force)
    return result


@dataclass(frozen=True)
class ReportForms:
    """A report in its forms.

    Attributes:
        markdown: As plain text.
        html: As a page.
        pictures: Those of the page.
    """

    markdown: str
    html: str
    pictures: tuple[Picture, ...]

    def write(self, target: Path, inputs: Sequence[Input], *, force: bool) -> None:
        """Write a directory: both texts, and each picture as SVG and PNG.

        Args:
            target: The directory.
            inputs: What was read for it.
            force: Whether it may be replaced.

        Raises:
            OutputError: It exists and may not be replaced, or cannot be written.
        """
        with output_directory(target, inputs=inputs, force=force) as directory, writing(target):
            (directory / REPORT_FILE).write_text(self.markdown, encoding="utf-8")
            (directory / PAGE_FILE).write_text(self.html, encoding="utf-8")
            write_pictures(self.pictures, directory / PICTURES)


def _read_accounts(directories: Sequence[Path]) -> tuple[Record, ...] | Analysis | Frontier:
    """Read the records of results, or the one analysis or search that was named.

    Raises:
        InputError: A directory holds none of them, or one that stands alone is named among others.
    """
    alone = [directory for directory in directories if _holds_other_account(directory)]
    if alone and len(directories) > 1:
        what = "an analysis" if _holds_alone(ANALYSIS_FILE, alone[0]) else "a search"
        raise InputError(
            f"{what} is not compared with others",
            where=str(alone[0]),
            remedy="name it alone, or two models to `bertslim analyze`",
        )
    if alone and _holds_alone(ANALYSIS_FILE, alone[0]):
        return read_analysis(alone[0])
    if alone:
        return Frontier.read(alone[0])
    return tuple(map(read_record, directories))


def _other_weights(directories: Sequence[Path]) -> Iterator[str]:
    for directory in filter(is_of_other_weights, directories):
        yield f"{directory.resolve().name}: the weights are not those of the record"


def _holds_other_account(directory: Path) -> bool:
    return any(_holds_alone(name, directory) for name in (ANALYSIS_FILE, FRONTIER_FILE))


def _holds_alone(name: str, directory: Path) -> bool:
    """Whether a directory holds an account of that name, and no record of a result."""
    return (directory / name).is_file() and not (directory / RECORD_FILE).is_file()


def report_of(accounts: Sequence[Record] | Analysis | Frontier) -> ReportForms:
    """Write the report of an analysis, of a search, of one result, or of several side by side."""
    if isinstance(accounts, Frontier):
        return ReportForms(
            frontier_text(accounts),
            frontier_page(accounts),
            pictures_of(frontier_sections(accounts)),
        )
    if isinstance(accounts, Analysis):
        return ReportForms(
            analysis_text(accounts),
            render_analysis_page(accounts),
            pictures_of(analysis_sections(accounts)),
        )
    if len(accounts) == 1:
        record = accounts[0]
        pictures = pictures_of(body_sections(record))
        return ReportForms(render_report(record), render_page(record), pictures)
    sections = side_by_side(accounts)
    origin = f"{listed(names_of(accounts))}: what each gained and lost against its base."
    return ReportForms(
        markdown_of([Section(TITLE, (), level=1), *sections]),
        page(TITLE, [origin], sections),
        pictures_of(sections),
    )
