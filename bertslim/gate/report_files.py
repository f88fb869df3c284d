"""Write the reports of a check to files, each completely or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bertslim.errors import OutputError
from bertslim.gate.check_result import CheckResult
from bertslim.gate.junit import render_junit
from bertslim.gate.markdown import render_markdown
from bertslim.output import output_file, writing

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"


@dataclass(frozen=True)
class ReportFiles:
    """Where to write the reports of a check.

    Attributes:
        junit: A file for JUnit XML.
        summary: A file for Markdown.
        github: Whether the summary is also added to that of the job, where GitHub runs it.
    """

    junit: Path | None = None
    summary: Path | None = None
    github: bool = False


@contextmanager
def report_files(options: ReportFiles) -> Iterator[Callable[[CheckResult], None]]:
    """Yield a function that writes the reports; the files appear if the block succeeds.

    The files are opened before anything is measured, so that errors come first.

    Args:
        options: Which files.

    Raises:
        OutputError: A file cannot be written.
    """
    reports = [
        _Report(path, option, render)
        for path, option, render in (
            (options.junit, "--junit", render_junit),
            (options.summary, "--summary", render_markdown),
        )
        if path
    ]
    with ExitStack() as opened:
        files = [
            opened.enter_context(output_file(report.path, force=True, option=report.option))
            for report in reports
        ]

        def write(result: CheckResult) -> None:
            for report, file in zip(reports, files, strict=True):
                with writing(report.path, report.option):
                    file.write_text(report.render(result), encoding="utf-8")
            if options.github:
                _add_to_job(render_markdown(result))

        yield write


@dataclass(frozen=True)
class _Report:
    """A file, the option that named it, and what writes its content."""

    path: Path
    option: str
    render: Callable[[CheckResult], str]


def _add_to_job(text: str) -> None:
    """Add to the file that GitHub shows as the summary of a job; other steps add to it, too."""
    path = os.environ.get(STEP_SUMMARY)
    if not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text + "\n")
    except OSError as error:
        raise OutputError(
            f"cannot be written ({error.strerror or error})",
            where=f"${STEP_SUMMARY}",
            remedy="leave it out with --no-github",
        ) from error
