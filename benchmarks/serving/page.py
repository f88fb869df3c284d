"""The table of docs/serving.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.serving.consumers import CONSUMERS, Consumer
from benchmarks.serving.results import Result
from benchmarks.serving.trials import Outcome
from benchmarks.tools import ROOT, UNKNOWN, Footnotes

PAGE = ROOT / "docs" / "serving.md"
BAR = 1e-5  # the most that a supported cell may differ, in float32
_LONGEST = 160


def markdown(
    outcomes: Mapping[str, Mapping[str, Outcome]], results: Sequence[Result], machine: str
) -> str:
    """Write the table from the outcomes of each consumer, by its name and the result's."""
    notes = Footnotes()
    titles = ["loaded by", "files", *(result.name for result in results)]
    rows = [
        [
            _versions(consumer, outcomes[consumer.name]),
            consumer.reads,
            *(_cell(consumer, result, outcomes[consumer.name], notes) for result in results),
        ]
        for consumer in CONSUMERS
        if consumer.name in outcomes
    ]
    lines = [titles, ["---"] * len(titles), *rows]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return "\n\n".join(filter(None, (table, notes.lines(), f"{machine}.")))


def faults(outcomes: Mapping[str, Mapping[str, Outcome]]) -> list[str]:
    """Name each cell that failed, differs or printed something."""
    return [
        f"{consumer}, {result}: {outcome.failure or outcome.printed or outcome.difference}"
        for consumer, row in outcomes.items()
        for result, outcome in row.items()
        if not is_clean(outcome)
    ]


def is_clean(outcome: Outcome) -> bool:
    """Tell whether a result was loaded, answered alike and had nothing printed."""
    close = outcome.difference is not None and outcome.difference <= BAR
    return close and not outcome.printed


def _versions(consumer: Consumer, row: Mapping[str, Outcome]) -> str:
    versions = next((one.versions for one in row.values() if one.versions), {})
    told = ", ".join(f"{name} {version}" for name, version in versions.items())
    return f"{consumer.name} ({told})" if told else consumer.name


def _cell(consumer: Consumer, result: Result, row: Mapping[str, Outcome], notes: Footnotes) -> str:
    if result.kind in consumer.unsupported:
        return f"{UNKNOWN}{notes.mark(consumer.unsupported[result.kind])}"
    outcome = row.get(result.name)
    if outcome is None:
        return UNKNOWN
    if outcome.difference is None:
        return f"✗{notes.mark(_shown(outcome.failure))}"
    figure = "0" if not outcome.difference else f"{outcome.difference:.0e}"
    told = f", prints{notes.mark(_shown(outcome.printed))}" if outcome.printed else ""
    return figure + ("" if outcome.difference <= BAR else " ✗") + told


def _shown(text: str) -> str:
    line = text.splitlines()[0]
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} …"
