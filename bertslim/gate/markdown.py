"""Verdicts as a Markdown page, for the summary of a CI job or a comment on a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from bertslim.gate.check_result import ENDINGS, CheckResult
from bertslim.gate.check_summary import ending, facts, title
from bertslim.gate.rule_results import reason
from bertslim.gate.verdict_table import verdict_table
from bertslim.report.escape import escape

MARK = "## bertslim check: "  # how every such page starts


def render_markdown(result: CheckResult) -> str:
    """Write the outcome, the verdicts, their reasons, and the machine and versions."""
    return "\n\n".join(_parts(result)) + "\n"


def _parts(result: CheckResult) -> Iterator[str]:
    yield f"{MARK}{ENDINGS[result.rule_results.outcome]}"
    yield f"{escape(title(result))}: {ending(result)}."
    yield verdict_table(result.rule_results.verdicts).markdown()
    not_passed = [verdict for verdict in result.rule_results.verdicts if verdict.outcome != "pass"]
    points = [*map(reason, not_passed), *(f"note: {note}" for note in result.notes)]
    if points:
        yield "\n".join(f"- {escape(point)}" for point in points)
    held = (f"{name}: {value}" for name, value in facts(result).items())
    yield escape("; ".join(held)) + "."
