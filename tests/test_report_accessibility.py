"""Pages in a browser: layout at every width, keyboard, print, dark mode, and what axe finds."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from bertslim.report.frontier_sections import frontier_page
from bertslim.report.page import page, render_analysis_page, render_page
from bertslim.report.side_by_side import TITLE, side_by_side
from support.browser import BROWSER, Browser, browser
from support.example_frontiers import chosen_frontier
from support.example_records import cut_record, full_record, no_change_record

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome on this machine"),
]
NAMES = ["record", "analysis", "side by side", "search"]
WIDTHS = [360, 768, 1280, 1920]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    record = full_record()
    pages = {
        "record": render_page(record),
        "analysis": render_analysis_page(record.analysis),
        "side by side": page(TITLE, ["x"], side_by_side([cut_record(), no_change_record()])),
        "search": frontier_page(chosen_frontier()),
    }
    folder = tmp_path_factory.mktemp("pages")
    for name, text in pages.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in pages}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing(
    shown: Browser, paths: dict[str, Path], name: str, width: int, dark: bool
) -> None:
    shown.open(paths[name], width, dark=dark)
    shown.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    shown.evaluate(files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    found = shown.evaluate(
        "axe.run(document).then(found => found.violations.map("
        "one => [one.id, ...one.nodes.map(node => node.html.slice(0, 200))]))"
    )
    assert found == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_is_no_wider_than_the_window(
    shown: Browser, paths: dict[str, Path], name: str, width: int
) -> None:
    shown.open(paths[name], width)
    page = "document.documentElement"
    assert shown.evaluate(f"{page}.scrollWidth <= {page}.clientWidth")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [1280, 1920])
def test_no_table_is_cut_off_on_a_wide_screen(
    shown: Browser, paths: dict[str, Path], name: str, width: int
) -> None:
    shown.open(paths[name], width)
    shown.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    frames = shown.evaluate(
        "[...document.querySelectorAll('.table')].map(one => [one.scrollWidth, one.clientWidth])"
    )
    assert frames
    assert all(needed <= had for needed, had in frames)


def test_the_answers_are_seen_without_scrolling(shown: Browser, paths: dict[str, Path]) -> None:
    for name in ("record", "search"):
        shown.open(paths[name], 1280)
        end = "document.querySelector('.answers').getBoundingClientRect().bottom"
        assert shown.evaluate(end) < 450


def test_what_is_folded_opens_by_keyboard(shown: Browser, paths: dict[str, Path]) -> None:
    shown.open(paths["record"], 1280)
    assert shown.evaluate("document.querySelectorAll('details[open]').length") == 0
    for _ in range(60):
        shown.press("Tab")
        if shown.evaluate("document.activeElement.tagName") == "SUMMARY":
            break
    shown.press("Enter")
    assert shown.evaluate("document.activeElement.parentElement.open") is True


def test_paper_shows_what_is_folded(shown: Browser, paths: dict[str, Path]) -> None:
    height = (
        "[...document.querySelectorAll('details .text')].map("
        "one => one.checkVisibility({contentVisibilityAuto: true}) && one.offsetHeight)"
    )
    shown.open(paths["record"], 794)
    assert not any(shown.evaluate(height))
    shown.open(paths["record"], 794, media="print")
    assert all(shown.evaluate(height))


def test_every_point_says_what_it_is(shown: Browser, paths: dict[str, Path]) -> None:
    for name in NAMES:
        shown.open(paths[name], 1280)
        points = shown.evaluate(
            "[...document.querySelectorAll('circle')].map("
            "one => one.querySelector('title')?.textContent ?? '')"
        )
        assert all(points)
