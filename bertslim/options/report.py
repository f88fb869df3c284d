"""The settings of `bertslim report`. Annotations are evaluated: the command line needs them."""

from dataclasses import dataclass, field
from pathlib import Path

from bertslim.option_fields import OptionsModel, argument, option
from bertslim.options.shared import FORCE


@dataclass(frozen=True)
class ReportOptions(OptionsModel):
    """The settings of one report.

    Attributes:
        directories: Results, or one analysis; none: the current directory if it is a result, else
            the newest result directly under it.
        output: The directory to write; None: nothing is written.
        force: Whether the directory may be replaced.
    """

    directories: tuple[Path, ...] = field(
        default=(),
        metadata=argument(
            "[DIR]...",
            help="A result of bertslim, or several to be compared, an analysis or a search. By "
            "default the current directory if it is a result, else the newest one directly under "
            "it.",
            role="input",
        ),
    )
    output: Path | None = field(
        default=None,
        metadata=option(
            "-o",
            "--output",
            help="Write a directory instead: report.md, report.html, and each picture as SVG and "
            "PNG.",
            role="output",
        ),
    )
    force: bool = field(default=False, metadata=FORCE)
