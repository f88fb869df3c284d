"""Run `bertslim report` and print the report."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace

from bertslim.cli.runs.show import chosen_result
from bertslim.commands import report as command
from bertslim.options.report import ReportOptions
from bertslim.records import Analysis, Frontier, Record
from bertslim.terminal import print_json, print_line, print_text


def run(options: ReportOptions, *, as_json: bool) -> None:
    """Print the report of results, an analysis or a search, or the place where it is written."""
    directories = tuple(chosen_result(directory) for directory in options.directories or (None,))
    result = command.report(replace(options, directories=directories))
    if as_json:
        print_json(_as_json(result.accounts))
    elif options.output is None:
        print_text(result.forms.markdown)
    else:
        print_line(f"Written to {shlex.quote(str(options.output))}.")
    for note in result.notes:
        print_line(f"Note: {note}.", error=True)


def _as_json(accounts: Sequence[Record] | Analysis | Frontier) -> str:
    """Write one account, or a list of several."""
    each = accounts if isinstance(accounts, Sequence) else [accounts]
    texts = [account.to_json() for account in each]
    return texts[0] if len(texts) == 1 else f"[\n{','.join(texts)}]\n"
