"""`bertslim analyze`."""

from __future__ import annotations

from bertslim.cli.command_line import command_line
from bertslim.cli.options import (
    DebugOption,
    Given,
    JsonOption,
    QuietOption,
    takes_options,
)
from bertslim.options.analyze import AnalyzeOptions


@takes_options
def analyze(
    given: Given[AnalyzeOptions],
    quiet: QuietOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Analyze the layers of a model, and recommend a recipe.

    How alike the representations of its layers are (CKA), within the model and to those of OTHER;
    what linear probes read from them; what the answers lose with each block altered alone. It ends
    with a recommendation, in words and as a recipe.

    \b
    Examples:
      bertslim analyze ./my-classifier --data reviews.csv
      bertslim analyze ./my-classifier ./my-classifier-drop_odd --data reviews.csv
      bertslim cut ./my-classifier --recipe my-classifier-analysis/recommended.yaml --data x.csv
    """
    options = given.make(command=command_line())
    from bertslim.cli.runs.analyze import run

    run(options, quiet=quiet, as_json=as_json)
