"""`bertslim check`."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from bertslim.cli.options import (
    DebugOption,
    Given,
    JsonOption,
    QuietOption,
    ResultArgument,
    takes_options,
)
from bertslim.gate.report_options import ReportFiles
from bertslim.options.check import CheckOptions
from bertslim.options.rules import RuleOptions


@takes_options
def check(
    rules: Given[RuleOptions],
    given: Given[CheckOptions],
    directory: ResultArgument = None,
    *,
    files: Given[ReportFiles],
    github: Annotated[
        bool | None,
        typer.Option(
            "--github/--no-github",
            help="Print annotations for GitHub, and add to the summary of the job.",
            show_default="where GitHub Actions runs it",
        ),
    ] = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Check a result against rules, and fail if it got bigger, worse or slower.

    Sizes are counted again. Accuracy is taken from the record, or measured again. For latency the
    slim model and its base take turns, until the interval lies within the bound or beyond it,
    or time is up. Exit code 0: all rules pass; 3: a rule fails; 4: a rule is inconclusive.
    Without a rule, latency may be 10 % above the record.

    \b
    Examples:
      bertslim check
      bertslim check ./bert-base-uncased-drop_odd --max-regression 3%
      bertslim check --max-params 20M --max-bytes 85MiB
      bertslim check --max-accuracy-drop 0.5 --eval-data held_out.csv
      bertslim check --max-latency-ratio 0.8 --batch 1 --length 64 --junit gate.xml
    """
    on_github = os.environ.get("GITHUB_ACTIONS") == "true" if github is None else github
    from bertslim.cli.runs.check import Outputs, run

    written = files.make(github=on_github)
    outputs = Outputs(written, quiet=quiet, as_json=as_json, asked=bool(github))
    run(given, rules.make(), directory, outputs)
