"""The top of a page: the verdict follows from the intervals, or from the budget."""

from __future__ import annotations

import pytest

from bertslim.records import Budget, Record
from bertslim.report.answers import summary_of
from support.example_records import (
    accuracy,
    bare_record,
    cut_record,
    no_change_record,
    retrain_record,
    unlabelled_record,
    worse_record,
)


@pytest.mark.parametrize(
    ("record", "tone", "words"),
    [
        (cut_record(), "open", "Accuracy is worse than the base's"),
        (no_change_record(), "open", "No difference in accuracy is measurable"),
        (
            cut_record(measurements=(accuracy(0.70, 0.731, 0.012, 0.05),)),
            "good",
            "Accuracy is better than the base's",
        ),
        (unlabelled_record(), "open", "Compared with its base alone: no labels were given"),
        (retrain_record(), "open", "Accuracy is 71.2 %"),
        (bare_record(), "open", "Its quality is not measured"),
    ],
)
def test_without_a_budget_the_interval_decides(record: Record, tone: str, words: str) -> None:
    verdict = summary_of(record).verdict
    assert (verdict.tone, verdict.words) == (tone, words)
    assert verdict.reasons[-1].startswith("No budget was given")


@pytest.mark.parametrize(
    ("outcome", "tone"), [("met", "good"), ("exceeded", "bad"), ("inconclusive", "open")]
)
def test_a_budget_decides_where_there_is_one(outcome: str, tone: str) -> None:
    budget = Budget(asked="a drop of 1 points", outcome=outcome, message="0.5x loses 0.4 points")
    verdict = summary_of(cut_record(budget=budget)).verdict
    assert verdict.tone == tone
    assert verdict.reasons == (
        "0.5x loses 0.4 points.",
        "Accuracy 71.2 % → 70.1 %, −1.1 points (95 % −2.0 to −0.2 points) on 500 held-out rows.",
    )


def test_each_question_has_its_figure() -> None:
    answers = summary_of(cut_record()).answers
    assert [(answer.question, answer.figure, answer.words) for answer in answers] == [
        ("How much faster?", "1.42 x", "faster at 1x128 in torch: 15.9 ms → 11.2 ms"),
        ("At what price?", "−1.1 points", "accuracy: 71.2 % → 70.1 %"),
        ("How much smaller?", "−15.6 %", "parameters: 22,713,216 → 19,168,512"),
        (
            "How sure?",
            "500 rows",
            "95 % intervals: accuracy −2.0 to −0.2 points, speed-up 1.39 to 1.45 x",
        ),
    ]


def test_worse_is_shown_as_worse() -> None:
    speed, quality, size, _ = summary_of(worse_record()).answers
    assert speed.words.startswith("slower")
    assert quality.figure == "−11.1 points"
    assert size.figure == "+1.3 %"


def test_what_was_not_measured_has_no_figure() -> None:
    assert summary_of(bare_record()).answers == ()
