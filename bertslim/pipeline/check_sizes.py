"""Count what the slim model holds, and judge it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bertslim.gate.judgement import judge
from bertslim.gate.verdicts import Rule
from bertslim.model.families import FAMILIES
from bertslim.model.files import find_weights
from bertslim.pipeline.checked import Checked
from bertslim.progress import Progress
from bertslim.records import Measurement, Record


def check_sizes(
    rules: Sequence[Rule], directory: Path, record: Record, progress: Progress
) -> Checked:
    """Count parameters and bytes anew, as far as rules ask for them.

    Args:
        rules: Those on other figures are left alone.
        directory: The result.
        record: What it says of itself.
        progress: Shows the steps.

    Raises:
        ModelError: The checkpoint is missing or damaged.
    """
    wanted = {rule.figure for rule in rules}
    found = []
    if "parameters" in wanted:
        with progress.step("count parameters"):
            found.append(_figure("parameters", _count_parameters(directory)))
    if "bytes" in wanted:
        found.append(_figure("bytes", find_weights(directory).size))
    return Checked(judge(rules, found, record.measurements).verdicts, tuple(found))


def _figure(name: str, size: int) -> Measurement:
    return Measurement(name=name, unit=name, slim=size)


def _count_parameters(directory: Path) -> int:
    from bertslim.measure.size import count_parameters
    from bertslim.model.checkpoint import load_checkpoint

    loaded = load_checkpoint(directory)
    return count_parameters(loaded.model, FAMILIES[loaded.facts.model_type]).total
