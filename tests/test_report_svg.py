"""Drawings: valid XML, hostile words shown as words, round figures on axes."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertslim.report.svg import IN_PAGE, ON_PAPER, Drawing, Scale

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>alert(1)</script>\"' & \u202e\U0001f600\x1b[2J"


def drawn(colours=IN_PAGE) -> Drawing:
    drawing = Drawing(100, 50, HOSTILE, HOSTILE, colours)
    drawing.rectangle(1, 2, -3, 4, colours.slim, opacity=0.5, stroke=colours.ink, tip=HOSTILE)
    drawing.line([(0, 0), (1.23456, 2)], colours.muted)
    drawing.area([(0, 0), (1, 2), (3, 4)], colours.base)
    drawing.dot(1, 2, colours.third, tip=HOSTILE)
    drawing.words(1, 2, HOSTILE, anchor="end")
    drawing.legend(3, [(HOSTILE, colours.slim)])
    return drawing


def test_hostile_words_are_words() -> None:
    markup = drawn().markup()
    root = ElementTree.fromstring(markup)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {
        *("svg", "title", "desc", "rect", "polyline", "polygon", "circle", "text"),
    }
    words = HOSTILE.replace("\u202e", "").replace("\x1b", " ")
    assert root.get("aria-label") == words
    assert [one.text for one in root.iter(f"{SVG}text")] == [words, words]
    assert "\u202e" not in markup


def test_it_has_a_name_and_a_description() -> None:
    root = ElementTree.fromstring(drawn().markup())
    assert root.get("role") == "img"
    assert [child.tag.removeprefix(SVG) for child in root][:2] == ["title", "desc"]
    assert root.get("viewBox") == "0 0 100 50"


def test_on_paper_no_colour_is_left_to_a_page() -> None:
    assert "var(--" in drawn().markup()
    assert "var(" not in drawn(ON_PAPER).markup()


def test_numbers_are_short_and_widths_never_negative() -> None:
    markup = drawn().markup()
    assert 'points="0,0 1.23,2"' in markup
    assert 'width="0"' in markup


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.83, 1, [0.85, 0.9, 0.95, 1]),
        (0, 37, [0, 10, 20, 30]),
        (0, 0.0042, [0, 0.001, 0.002, 0.003, 0.004]),
    ],
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert list(Scale(low, high, 0, 100).ticks()) == pytest.approx(expected)


@given(
    low=st.floats(-1e6, 1e6, allow_nan=False), span=st.floats(1e-3, 1e6), start=st.floats(-10, 500)
)
def test_scales_keep_to_their_ends(low: float, span: float, start: float) -> None:
    scale = Scale(low, low + span, start, start + 300)
    assert scale(low) == pytest.approx(start)
    assert scale(low + span) == pytest.approx(start + 300)
    ticks = list(scale.ticks())
    assert len(ticks) <= 7
    assert all(start - 1e-3 <= scale(value) <= start + 300 + 1e-3 for value in ticks)


def test_a_scale_of_one_figure_has_a_place_for_it() -> None:
    assert Scale(3, 3, 10, 20)(3) == 10
    assert len(list(Scale(3, 3, 10, 20).ticks())) <= 1


def test_markup_holds_no_script_and_nothing_from_elsewhere() -> None:
    assert not re.search(r"<script|href|url\(|@import", drawn().markup())


@pytest.mark.parametrize(
    ("low", "high"), [(1e20, 1e20 + 16384), (-1e100, 1e100), (0, 1e-300), (1e100, -1e100)]
)
def test_ticks_end_whatever_the_figures(low: float, high: float) -> None:
    assert len(list(Scale(low, high, 0, 100).ticks())) <= 7
