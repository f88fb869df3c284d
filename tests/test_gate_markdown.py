"""Verdicts as a Markdown page."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from bertslim.gate.check_result import CheckResult
from bertslim.gate.markdown import render_markdown
from support.gate_verdicts import FAILED, OPEN, PASSED, result


def html(found: CheckResult) -> str:
    return MarkdownIt("commonmark").enable("table").render(render_markdown(found))


@pytest.mark.parametrize(
    ("found", "heading", "counts"),
    [
        (result(PASSED), "passed", "1 of 1 verdict passed."),
        (result(PASSED, OPEN), "inconclusive", "1 of 2 verdicts passed, 1 inconclusive."),
        (result(FAILED, OPEN), "failed", "0 of 2 verdicts passed, 1 failed, 1 inconclusive."),
        (result(OPEN, inconclusive_as="pass"), "passed", "0 of 1 verdict passed, 1 inconclusive."),
    ],
)
def test_it_begins_with_how_it_ended(found: CheckResult, heading: str, counts: str) -> None:
    lines = render_markdown(found).splitlines()
    assert lines[0] == f"## bertslim check: {heading}"
    assert lines[2] == f"slim against base: {counts}"


def test_table_reasons_notes_and_machine_follow() -> None:
    page = html(result(PASSED, FAILED, OPEN, notes=("the weights are not those",)))

    assert page.count("<tr>") == 4
    assert '<td style="text-align:right">0.780 to 0.820</td>' in page
    assert f"<li>{FAILED.sentence}</li>" in page
    assert "<li>inconclusive: macro f1 drops by -0.10 points; measure on more rows</li>" in page
    assert "<li>note: the weights are not those</li>" in page
    assert "CPU: Test CPU; cores: 4; threads: 4;" in page
    assert "versions: bertslim 0.1.0, torch 2.13.0; latency measured for: 12 seconds." in page


def test_where_nothing_was_timed_no_time_is_told() -> None:
    assert "latency measured" not in render_markdown(result(PASSED, seconds=0.0))


def test_no_name_can_bring_markup_in() -> None:
    page = html(result(PASSED, model="<script>|*x*", base="org/<b>"))
    assert "<script>" not in page
    assert "<em>" not in page
    assert "<b>" not in page
