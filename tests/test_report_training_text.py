"""What the report says of a training."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from bertslim.records import ModelRecord, Record, Training
from bertslim.report.render import render_model_card, render_report
from bertslim.report.training_text import budget_notes
from support.example_records import LOOKS, cut_record, retrain_record, training


def teacher() -> ModelRecord:
    return cut_record().base


def section_of(record: Record) -> str:
    return render_report(record).split("## Training\n\n")[1].split("\n\n## ")[0]


def flat(text: str) -> str:
    return " ".join(text.split())


def test_the_section_says_what_it_took_and_what_came_of_it() -> None:
    record = cut_record(training=training(teacher=teacher()))
    said = flat(section_of(record))
    assert said.startswith(
        "Trained with base as teacher for 800 steps of 32 texts: 3.0 minutes, 2,000 tokens a "
        "second, 1.23e+13 multiply-accumulates, bfloat16 on cpu, learning rate up to 3.0e−05. "
        "The weights after step 800 did best on the select split and were kept: KL 0.0277 → "
        "0.0171 (lower is better). "
    )
    assert section_of(record).splitlines()[-5:] == [
        "| step | seconds |   loss | KL, select split | weights |",
        "| ---: | ------: | -----: | ---------------: | ------- |",
        "|    0 |       2 |      – |           0.0277 | –       |",
        "|  400 |      91 | 0.0893 |           0.0214 | –       |",
        "|  800 |     180 | 0.0664 |           0.0171 | kept    |",
    ]


def test_a_training_that_helped_nothing_says_so() -> None:
    record = cut_record(training=training(best_step=0))
    assert "No weights did better than those at the start (KL 0.0277 on the select split" in flat(
        section_of(record)
    )
    assert flat(render_report(record)).count("the weights from before it were kept") == 1


def test_labels_processes_and_interruptions_are_told() -> None:
    found = training(processes=2, resumed=True, score="accuracy", higher_is_better=True)
    said = flat(section_of(retrain_record().model_copy(update={"training": found})))
    assert said.startswith("Trained on labels for 800 steps")
    assert "on cpu, 2 processes," in said
    assert "It was interrupted and resumed." in said
    assert "(higher is better)" in said


def test_a_student_is_called_by_what_it_was_trained_from() -> None:
    start = teacher().model_copy(update={"source": "/home/someone/slim"})
    found = training(teacher=teacher(), start_model=start)
    record = retrain_record().model_copy(update={"training": found, "base": teacher()})
    for page in (render_report(record), render_model_card(record)):
        assert "Retrained from slim with bertslim" in page
        assert "/home" not in page


def test_a_cut_says_in_one_line_that_it_was_trained() -> None:
    page = render_report(cut_record(training=training(teacher=teacher())))
    assert "Trained for 3.0 minutes with the base as teacher.\n" in page
    assert "Trained for" not in render_report(cut_record())


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({}, "3 minutes of training were worth 800 steps"),
        ({"epoch_steps": 1600}, "3 minutes of training were worth 800 steps, 0.5 epochs"),
        (
            {"epoch_steps": 1600, "disturbed": True},
            "3 minutes of training were worth 800 steps, 0.5 epochs; that is short: other programs "
            "had the cores for part of them",
        ),
        (
            {"steps": 1, "settings": {"minutes": 0.5, "batch_size": 32, "learning_rate": 3e-5}},
            "0.5 minutes of training were worth 1 step; that is short: the learning rate rose in "
            "fewer than 10 steps",
        ),
    ],
)
def test_a_budget_in_minutes_says_what_it_was_worth(changes: dict[str, Any], note: str) -> None:
    (said,) = budget_notes(training(**changes))
    assert (
        said.replace("0.500 min", "0.5 min").replace("3.00", "3").replace("0.50 e", "0.5 e") == note
    )


def test_budgets_that_do_not_go_by_the_clock_need_no_note() -> None:
    settings = {"steps": 800, "batch_size": 32, "learning_rate": 3e-5}
    assert budget_notes(training(settings=settings, disturbed=True)) == ()
    assert budget_notes(None) == ()


def test_a_record_of_a_training_reads_back() -> None:
    record = cut_record(training=training(teacher=teacher()))
    assert Record.model_validate_json(record.to_json()) == record
    assert training().best == LOOKS[2]
    assert training().start == LOOKS[0]
    assert training(seconds=0.0).tokens_per_second == 0


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("batch_size", None, "batch_size is no whole number"),
        ("batch_size", 0, "batch_size is no whole number"),
        ("learning_rate", None, "learning_rate is no finite number"),
        ("learning_rate", "fast", "learning_rate is no finite number"),
    ],
)
def test_a_training_has_the_settings_that_are_told_of_it(key: str, value: Any, said: str) -> None:
    told = training().model_dump()
    told["settings"] = {**told["settings"], key: value}
    with pytest.raises(ValidationError, match=said):
        Training.model_validate(told)


def test_a_score_that_is_no_number_is_none() -> None:
    told = training()
    first = told.looks[0].model_copy(update={"score": None})
    record = retrain_record().model_copy(
        update={"training": told.model_copy(update={"looks": (first, *told.looks[1:])})}
    )
    assert "none" in section_of(record)
