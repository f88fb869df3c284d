"""`bertslim report`."""

from __future__ import annotations

import typer

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
    from bertslim.pipeline.results import find_result
    from bertslim.records import read_record
    from bertslim.report.render import render_report

    found = find_result(directory)
    record = read_record(found)
    if directory is None:
        typer.echo(f"bertslim: this is {found.resolve().name}", err=True)
    typer.echo(record.to_json() if as_json else render_report(record), nl=False)
