"""`bertslim report`."""

from __future__ import annotations

import typer

from bertslim.cli.chosen_result import chosen_result
from bertslim.cli.options import DebugOption, JsonOption, ResultArgument


def report(
    directory: ResultArgument = None, as_json: JsonOption = False, debug: DebugOption = False
) -> None:
    """Print the report of a result again.

    \b
    Examples:
      bertslim report
      bertslim report ./bert-base-uncased-drop_odd
      bertslim report --json | jq '.measurements[] | select(.name == "latency")'
    """
    from bertslim.records import read_record
    from bertslim.report.render import render_report

    record = read_record(chosen_result(directory))
    typer.echo(record.to_json() if as_json else render_report(record), nl=False)
