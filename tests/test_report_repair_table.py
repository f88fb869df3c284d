from __future__ import annotations

from bertslim.records import Repair, Step
from bertslim.report.render import render_model_card, render_report
from bertslim.report.repair_table import is_kept, repair_table
from support.example_records import cut_record, retrain_record

SOLVED = Repair(layer=1, part="attention output", ridge=0.1, before=0.96527, after=0.61737)
KEPT = Repair(layer=2, part="FFN inputs", before=0.1517, after=0.1517)
GAIN = Repair(layer=3, part="FFN gain", before=1.139, after=0.52)
OPENING = "Repaired in closed form from 1,024 texts, without labels."


def repaired_record(*repairs: Repair, samples: int = 1024, **keys: int):
    record = cut_record()
    section = {"samples": samples, "refit": "all", "weights": "fisher", **keys}
    return record.model_copy(
        update={
            "recipe": {**record.recipe, "reconstruct": section},
            "repairs": repairs,
            "steps": (*record.steps, Step(name="reconstruct", seconds=13.3)),
        }
    )


def section_of(record) -> str:
    return render_report(record).split("## Repair\n\n")[1].split("\n\n## ")[0]


def test_every_map_has_a_row_with_its_held_out_error():
    assert section_of(repaired_record(SOLVED, GAIN)).splitlines()[-4:] == [
        "| layer | map              | ridge | error before | error after |",
        "| ----- | ---------------- | ----: | -----------: | ----------: |",
        "| 1     | attention output |   0.1 |       96.5 % |      61.7 % |",
        "| 3     | FFN gain         |     – |      113.9 % |      52.0 % |",
    ]


def test_a_map_that_stayed_is_told_from_one_that_was_solved_without_a_ridge():
    assert [is_kept(repair) for repair in (SOLVED, KEPT, GAIN)] == [False, True, False]
    rows = repair_table((KEPT, SOLVED)).rows
    assert rows[0] == ("2", "FFN inputs", "–", "15.2 %", "kept")


def test_kept_is_explained_where_it_is_said():
    assert "Kept: nothing did better" in section_of(repaired_record(SOLVED, KEPT)).replace(
        "\n", " "
    )
    assert "Kept" not in section_of(repaired_record(SOLVED))


def test_gains_alone_need_no_column_of_ridges():
    assert repair_table((GAIN,)).headers == ("layer", "map", "error before", "error after")


def test_the_section_says_what_was_solved_from_and_how_long_it_took():
    assert section_of(repaired_record(SOLVED)).startswith(
        "Solved from 1,024 texts, without labels (refit: all, weights: fisher), in 13.3 seconds. "
    )


def test_no_more_texts_are_claimed_than_the_fit_split_has():
    text = section_of(repaired_record(SOLVED, samples=1_000_000))
    assert text.startswith("Solved from 4,000 texts")


def test_report_and_card_say_it_in_their_opening():
    record = repaired_record(SOLVED)
    for markdown in (render_report(record), render_model_card(record)):
        assert OPENING in markdown.split("\n## ")[0]


def test_what_was_refined_is_not_said_to_be_closed_form():
    refined = Repair(layer=1, part="FFN, refined", before=0.2, after=0.1)
    record = repaired_record(SOLVED, refined, refine=200)
    assert "(refit: all, weights: fisher, refine: 200)" in section_of(record)
    assert (
        "Repaired in closed form and refined by gradient descent, block by block, from 1,024 texts"
        in render_report(record)
    )


def test_a_repair_that_had_nothing_to_solve_says_so():
    record = repaired_record()
    assert section_of(record) == (
        "No map had to be solved: the cut does not change the inputs of the others."
    )
    assert "Repaired" not in render_report(record)


def test_without_a_repair_nothing_is_said_of_one():
    for record in (cut_record(), retrain_record()):
        assert "repair" not in render_model_card(record).lower()
