"""Several results compared: figures as they were measured, and what differed."""

from __future__ import annotations

import pytest

from bertslim.report.section import pictures_of
from bertslim.report.side_by_side import names_of, side_by_side
from support.example_records import (
    EXAMPLES,
    cut_record,
    even_record,
    no_change_record,
    retrain_record,
    worse_record,
)


def text_of(*records) -> str:
    return "\n\n".join(section.markdown() for section in side_by_side(records))


def test_a_row_a_result() -> None:
    text = text_of(cut_record(), worse_record())
    overview = text.partition("## ")[0]
    assert len(overview.strip().splitlines()) == 2 + 2
    assert "times as fast at 1x128 |" in overview
    assert "1.42 x (1.39 to 1.45 x)" in overview
    assert "-1.1 points (-2.0 to -0.2)".replace("-", "−") in overview


def test_each_figure_has_a_table_with_a_row_a_result() -> None:
    text = text_of(cut_record(), worse_record())
    quality = text.partition("## Quality")[2]
    accuracy = quality.partition("### accuracy")[2].partition("###")[0]
    assert accuracy.count("\n| slim") == 2
    assert "−2.0 to −0.2 points" in accuracy
    latency = text.partition("## Latency")[2].partition("## Quality")[0]
    assert [line for line in latency.splitlines() if line.startswith("###")] == [
        "### 1x32",
        "### 1x128",
        "### 8x128",
    ]


def test_results_of_one_name_are_told_apart() -> None:
    one, other = names_of([cut_record(), cut_record()])
    assert (one, other) == (f"{one[:-4]} (1)", f"{one[:-4]} (2)")


def test_a_picture_needs_one_base_and_one_metric() -> None:
    def pictures(*records):
        return [picture.name for picture in pictures_of(side_by_side(records))]

    assert pictures(cut_record(), no_change_record()) == ["accuracy-latency"]
    other = cut_record()
    other = other.model_copy(update={"base": other.base.model_copy(update={"sha256": "9" * 64})})
    assert pictures(cut_record(), other) == []
    assert pictures(cut_record(), retrain_record()) == []


def test_differences_between_the_runs_are_listed() -> None:
    same = text_of(cut_record(), cut_record())
    assert "## Differences between the runs" not in same
    other = cut_record()
    machine = other.environment.model_copy(update={"cpu": "Another CPU", "threads": 7})
    text = text_of(cut_record(), other.model_copy(update={"environment": machine}))
    assert "CPU: " in text
    assert "Another CPU" in text
    assert "threads: " in text
    assert "base: " in text_of(cut_record(), even_record())


@pytest.mark.parametrize("example", EXAMPLES)
def test_all_kinds_of_results_can_be_compared(example: str) -> None:
    text = text_of(EXAMPLES[example](), cut_record())
    for part in ("someone", "secret project", "/srv", "/mnt", "customers"):
        assert part not in text
