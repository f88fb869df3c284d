"""Verdicts as workflow commands, which GitHub shows beside a run and its pull request.

The form is GitHub's: "Workflow commands for GitHub Actions", the section on error messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from bertslim.gate.check_result import CheckResult
from bertslim.gate.check_summary import ending
from bertslim.gate.rule_results import reason
from bertslim.printable import one_line

_TITLE = "bertslim check"
_IN_TEXT = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_IN_PROPERTY = _IN_TEXT | {":": "%3A", ",": "%2C"}


def render_annotations(result: CheckResult) -> list[str]:
    """Write errors for failures, warnings for inconclusive verdicts, a notice for the rest."""
    return list(_commands(result))


def _commands(result: CheckResult) -> Iterator[str]:
    for verdict in result.rule_results.verdicts:
        title = f"{_TITLE}: {verdict.rule} ({verdict.subject})"
        if result.rule_results.counted(verdict) == "fail":
            yield _command("error", title, reason(verdict))
        elif verdict.outcome == "inconclusive":
            yield _command("warning", title, reason(verdict))
    yield _command("notice", _TITLE, "; ".join([ending(result), *result.notes]))


def _command(kind: Literal["error", "warning", "notice"], title: str, text: str) -> str:
    return f"::{kind} title={_escaped(title, _IN_PROPERTY)}::{_escaped(one_line(text), _IN_TEXT)}"


def _escaped(text: str, escapes: Mapping[str, str]) -> str:
    return "".join(escapes.get(character, character) for character in text)
