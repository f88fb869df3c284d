"""The files of a check. Annotations are evaluated: the command line is made of them."""

from dataclasses import dataclass, field
from pathlib import Path

from bertslim.option_fields import OptionsModel, option


@dataclass(frozen=True)
class ReportFiles(OptionsModel):
    """Where to write the reports of a check.

    Attributes:
        junit: A file for JUnit XML.
        summary: A file for Markdown.
        github: Whether the summary is also added to that of the job, where GitHub runs it.
    """

    junit: Path | None = field(
        default=None,
        metadata=option(
            "--junit",
            help="Write JUnit XML to this file.",
            metavar="FILE",
            shown=False,
            role="output",
        ),
    )
    summary: Path | None = field(
        default=None,
        metadata=option(
            "--summary",
            help="Write Markdown to this file.",
            metavar="FILE",
            shown=False,
            role="output",
        ),
    )
    github: bool = False
