"""Write the reports of a check to files, each completely or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bertslim.errors import OutputError
from bertslim.gate.check_result import CheckResult
from bertslim.gate.junit import MARK as JUNIT_MARK
from bertslim.gate.junit import render_junit
from bertslim.gate.markdown import MARK as MARKDOWN_MARK
from bertslim.gate.markdown import render_markdown
from bertslim.gate.report_options import ReportFiles
from bertslim.output.file import FileRules, Marked, output_file
from bertslim.output.inputs import Input
from bertslim.output.placement import check_apart
from bertslim.output.writing import writing

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"


@contextmanager
def report_files(
    options: ReportFiles, inputs: Sequence[Input]
) -> Iterator[Callable[[CheckResult], None]]:
    """Yield a function that writes the reports; the files appear if the block succeeds.

    The files are opened before anything is measured, so that errors come first. Those of an earlier
    check are replaced.

    Args:
        options: Which files.
        inputs: What the check reads.

    Raises:
        OutputError: A file may not be written, or cannot be.
    """
    reports = [
        _Report(path, option, render, mark)
        for path, option, render, mark in (
            (options.junit, "--junit", render_junit, JUNIT_MARK),
            (options.summary, "--summary", render_markdown, MARKDOWN_MARK),
        )
        if path
    ]
    job = [(f"${STEP_SUMMARY}", path) for path in _summary_of_job() if options.github]
    check_apart([*job, *((report.option, report.path) for report in reports)])
    with ExitStack() as opened:
        files = [
            opened.enter_context(output_file(report.path, report.rules(inputs)))
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
    """A file, the option that named it, what writes its content, and how this starts."""

    path: Path
    option: str
    render: Callable[[CheckResult], str]
    mark: str

    def rules(self, inputs: Sequence[Input]) -> FileRules:
        """Return where it may be written, and over what."""
        return FileRules(Marked(self.mark), inputs, force=True, option=self.option)


def _summary_of_job() -> Iterator[Path]:
    if path := os.environ.get(STEP_SUMMARY):
        yield Path(path)


def _add_to_job(text: str) -> None:
    """Add to the file that GitHub shows as the summary of a job; other steps add to it, too."""
    try:
        for path in _summary_of_job():
            with path.open("a", encoding="utf-8") as file:
                file.write(text + "\n")
    except OSError as error:
        raise OutputError(
            f"cannot be written ({error.strerror or error})",
            where=f"${STEP_SUMMARY}",
            remedy="leave it out with --no-github",
        ) from error
