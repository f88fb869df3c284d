"""Results in a notebook: the verdict, the figures, and nothing that text from outside could add."""

from __future__ import annotations

from pathlib import Path

import html5lib

from bertslim.commands.search import SearchResult
from bertslim.commands.slim_result import SlimResult
from bertslim.report.notebook import frontier_html, record_html
from support.example_frontiers import chosen_frontier
from support.example_records import bare_record, cut_record

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
