"""`bertslim report`."""

from __future__ import annotations

from bertslim.cli.options import DebugOption, Given, JsonOption, takes_options
from bertslim.errors import InputError
from bertslim.options.report import ReportOptions


@takes_options
def report(
    given: Given[ReportOptions], as_json: JsonOption = False, debug: DebugOption = False
) -> None:
    """Print the report of a result again, or compare several.

    \b
    Examples:
      bertslim report
      bertslim report ./bert-base-uncased-drop_odd
      bertslim report ./model-drop_odd ./model-halve_width ./model-quarter_width_repaired
      bertslim report ./model-drop_odd --output pages
      bertslim report ./model-analysis --output pages
      bertslim report --json | jq '.measurements[] | select(.name == "latency")'
    """
    options = given.make()
    if as_json and options.output is not None:
        raise InputError("give one of --json and --output", where="--output")
    from bertslim.cli.runs.report import run

    run(options, as_json=as_json)
