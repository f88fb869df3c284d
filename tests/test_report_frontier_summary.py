"""The top of the page of a search."""

from __future__ import annotations

import pytest

from bertslim.records import SearchTarget
from bertslim.report.frontier_sections import frontier_page
from bertslim.report.frontier_summary import frontier_summary
from support.example_frontiers import chosen_frontier, frontier


def test_the_chosen_point_answers() -> None:
    summary = frontier_summary(chosen_frontier())
    assert (summary.verdict.tone, summary.verdict.words) == ("good", "The budget is met")
    assert [(answer.figure, answer.words) for answer in summary.answers] == [
        ("2.00 x", "0.50 of the base's time at 1x128 in onnxruntime-int8"),
        ("−0.40 points", "accuracy"),
        ("−15.6 %", "parameters: 22,713,216 → 19,168,512"),
        ("500 rows", "of the select split: at most 0.90 points lost, at 95 %"),
    ]


@pytest.mark.parametrize(
    ("outcome", "tone", "words"),
    [
        ("infeasible", "bad", "Nothing that was found meets the budget"),
        ("uncertain", "open", "The rows are too few to show that the budget is met"),
    ],
)
def test_a_budget_that_is_not_met_is_shown_as_such(outcome: str, tone: str, words: str) -> None:
    found = frontier(target=SearchTarget(ms=1.0), outcome=outcome, message="nearest are 0.40x")
    summary = frontier_summary(found)
    assert (summary.verdict.tone, summary.verdict.words) == (tone, words)
    assert summary.verdict.reasons == ("Nearest are 0.40x.",)
    assert summary.answers == ()


def test_without_a_budget_no_point_is_praised() -> None:
    summary = frontier_summary(frontier())
    assert summary.verdict.words == "4 cuts found, from the fastest to the base"
    assert summary.answers == ()


def test_the_page_shows_the_verdict_before_all_else() -> None:
    text = frontier_page(chosen_frontier())
    assert text.index("The budget is met") < text.index("The frontier")
