"""Results in a notebook: the verdict, the figures, and nothing that text from outside could add."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import html5lib
from markupsafe import escape

from bertslim.commands.inspect import inspect_model
from bertslim.commands.search import SearchResult
from bertslim.commands.slim_result import SlimResult
from bertslim.options.inspect import InspectOptions
from bertslim.report.notebook import frontier_html, record_html
from support.example_frontiers import chosen_frontier
from support.example_records import bare_record, cut_record
from support.gate_verdicts import FAILED, PASSED
from support.gate_verdicts import result as check_result

HOSTILE = "<script>alert(1)</script>\u202e"


def test_a_result_shows_its_verdict_and_figures() -> None:
    shown = SlimResult(Path("slim"), cut_record())._repr_html_()
    assert "<strong>slim</strong>: Accuracy is worse than the base&#39;s." in shown
    assert shown.count("<table") == 1
    assert "22,713,216" in shown


def test_a_search_shows_its_points() -> None:
    shown = SearchResult(Path("found"), chosen_frontier(), None)._repr_html_()
    assert "The budget is met" in shown
    assert "0.50x (chosen)" in shown


def test_an_inspection_shows_the_model_and_its_layers(make_checkpoint: Any) -> None:
    base = make_checkpoint("bert", "SequenceClassification")
    inspection = inspect_model(InspectOptions(str(base)))
    shown = inspection._repr_html_()
    assert shown.count("<table") == 2
    assert f"{inspection.sizes.parameters:,}" in shown


def test_a_check_shows_its_verdicts_and_the_reasons_of_a_failure() -> None:
    result = check_result(FAILED, PASSED)
    shown = result._repr_html_()
    assert ": failed." in shown
    assert str(escape(FAILED.sentence)) in shown
    assert shown.count("<table") == 1


def test_without_measurements_there_is_no_table() -> None:
    assert "<table" not in record_html(bare_record())


def test_text_from_outside_is_text() -> None:
    record = cut_record()
    slim = record.slim.model_copy(update={"source": f"org/{HOSTILE}"})
    found = chosen_frontier().model_copy(update={"message": HOSTILE})
    for shown in (record_html(record.model_copy(update={"slim": slim})), frontier_html(found)):
        tree = html5lib.parseFragment(shown, namespaceHTMLElements=False)
        assert "script" not in {element.tag for element in tree.iter()}
        assert "\u202e" not in shown
