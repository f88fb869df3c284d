from __future__ import annotations

import re

import pytest
import yaml
from markdown_it import MarkdownIt

from bertslim.report.render import render_model_card, render_report
from support.example_records import EXAMPLES, bare_record, cut_record, retrain_record

HOSTILE = "`|<script>\n\n# x</script>![a](http://b/c)\x1b[2J"


def headings(markdown: str) -> list[str]:
    return re.findall(r"^#+ .*", markdown, re.MULTILINE)


def section(markdown: str, title: str) -> str:
    return markdown.split(f"## {title}\n\n")[1].split("\n\n## ", maxsplit=1)[0]


def test_sections_stand_in_this_order():
    assert headings(render_report(cut_record())) == [
        "# slim",
        "## Before and after",
        "## Latency",
        "## Quality",
        "## Notes",
        "## Plan",
        "## Recipe",
        "## Provenance",
    ]


def test_the_card_says_how_to_load_before_it_says_how_good():
    assert headings(render_model_card(cut_record()))[:3] == [
        "# slim",
        "## How to load it",
        "## Before and after",
    ]


def test_what_a_record_lacks_is_left_out():
    assert headings(render_report(bare_record())) == [
        "# slim",
        "## Plan",
        "## Recipe",
        "## Provenance",
    ]
    assert headings(render_report(retrain_record())) == [
        "# slim",
        "## Before and after",
        "## Quality",
        "## Notes",
        "## Provenance",
    ]


def test_the_opening_says_what_was_done_and_what_came_of_it():
    assert render_report(cut_record()).split("\n\n")[1:3] == [
        "Cut from base by recipe drop_odd with bertslim 0.1.0.",
        "1.42 x faster at 1x128, 16 % fewer parameters, accuracy 71.2 % → 70.1 % "
        "(−1.1 points, 95 % −2.0 to\n−0.2).",
    ]


def test_the_recipe_is_yaml_that_can_be_run_again():
    block = section(render_report(cut_record()), "Recipe")
    assert block.startswith("```yaml\n")
    assert yaml.safe_load(block.strip("`").removeprefix("yaml")) == cut_record().recipe


def test_provenance_holds_every_hash_and_the_machine():
    text = section(render_report(cut_record()), "Provenance")
    for letter in "abcdef":
        assert letter * 64 in text
    for fact in (
        "tickets.csv, task text-classification, texts text, labels queue (2 classes)",
        "4,000 rows",
        "Some CPU @ 2.0GHz, 8 cores, 2 threads used",
        "16.0 GiB",
        "Linux 6.1, Python 3.11.7",
        "| seed                 | 7 ",
        "0123abc",
        "Versions: numpy 2.4.6, onnx 1.23.2, torch 2.13.0, transformers 5.23.0.",
        "| measure latency |    61.2 |",
        "| total           |    61.6 |",
    ):
        assert fact in text


def test_the_names_of_classes_stay_out():
    assert "billing" not in render_report(cut_record())


def test_paths_in_a_recipe_and_in_notes_are_shortened():
    recipe = {"name": "x", "labels": ["/home/someone/secret project/base/labels.txt"]}
    report = render_report(cut_record(recipe=recipe, notes=("Wrote /srv/models/slim/x.json.",)))
    assert "someone" not in report
    assert "- Wrote slim/x.json." in report


@pytest.mark.parametrize("example", EXAMPLES)
def test_hostile_text_stays_text(example):
    record = EXAMPLES[example]()
    hostile_model = record.slim.model_copy(
        update={"source": f"/a/{HOSTILE}", "architecture": HOSTILE}
    )
    record = record.model_copy(
        update={
            "base": hostile_model,
            "slim": hostile_model,
            "recipe": {"name": HOSTILE, "description": f"```\n{HOSTILE}"},
            "notes": (HOSTILE,),
            "environment": record.environment.model_copy(
                update={"cpu": HOSTILE, "versions": {HOSTILE: HOSTILE}}
            ),
            "measurements": tuple(
                measurement.model_copy(
                    update={"context": measurement.context | {"dataset": HOSTILE}}
                )
                for measurement in record.measurements
            ),
        }
    )
    for markdown in (render_report(record), render_model_card(record).split("---\n", 2)[2]):
        assert "\x1b" not in markdown
        tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
        kinds = {child.type for token in tokens for child in token.children or ()}
        assert kinds <= {"text", "text_special", "softbreak"}
        assert "html_block" not in {token.type for token in tokens}
        assert "x" not in {token.content for token in tokens if token.level == 1}
