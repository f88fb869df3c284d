"""report.html: valid, self-contained, with the text of report.md, whatever stands in a record."""

from __future__ import annotations

import re

import html5lib
import pytest

from bertslim.report.page import html_of, render_page, with_units
from bertslim.report.render import render_report
from support.example_records import EXAMPLES, bare_record, cut_record

HOSTILE = "<script>alert(1)</script>&<b>\u202ex\U0001f600" + "long" * 2500


def parsed(page: str):
    """Read a page strictly: what a validator would refuse raises."""
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page)


def words_of(page: str) -> str:
    return " ".join("".join(parsed(page).itertext()).split())


@pytest.mark.parametrize("record", EXAMPLES.values(), ids=EXAMPLES)
def test_every_page_is_valid_and_needs_nothing_else(record) -> None:
    page = render_page(record())
    tree = parsed(page)
    assert not {"script", "link", "img", "iframe"} & {element.tag for element in tree.iter()}
    assert not re.search(r"url\(|@import|src=", page)
    assert [element.tag for element in tree.iter() if element.tag == "h1"] == ["h1"]


@pytest.mark.parametrize("record", EXAMPLES.values(), ids=EXAMPLES)
def test_the_text_is_that_of_the_markdown(record) -> None:
    page, report = render_page(record()), render_report(record())
    headings = re.findall(r"^##+ (.+)$", report, re.MULTILINE)
    tree = parsed(page)
    found = [
        " ".join("".join(one.itertext()).split()) for one in tree.iter() if one.tag in ("h2", "h3")
    ]
    assert found == [" ".join(heading.replace("\\", "").split()) for heading in headings]
    assert sum(one.tag == "table" for one in tree.iter()) == len(
        re.findall(r"^\|[ :-]*-", report, re.MULTILINE)
    )


def test_the_headline_figures_stand_first() -> None:
    page = words_of(render_page(cut_record()))
    before = page.partition("Before and after")[0]
    assert "Accuracy is worse than the base's" in before
    assert "faster at 1x128" in before
    assert "parameters: 22,713,216 → 19,168,512" in before


def test_a_bare_record_has_no_figures_at_the_top() -> None:
    page = render_page(bare_record())
    assert "Its quality is not measured" in page
    assert 'class="answers"' not in page


def test_recipe_and_provenance_fold_away() -> None:
    folded = [
        "".join(one.itertext()).strip() for one in parsed(render_page(cut_record())).iter("summary")
    ]
    assert folded == ["Recipe", "Provenance"]


def test_hostile_names_and_notes_are_shown_harmlessly() -> None:
    record = cut_record()
    record = record.model_copy(
        update={
            "notes": (HOSTILE,),
            "slim": record.slim.model_copy(update={"source": f"org/{HOSTILE}"}),
            "recipe": {"name": HOSTILE, "description": HOSTILE},
        }
    )
    page = render_page(record)
    tree = parsed(page)
    assert "script" not in {element.tag for element in tree.iter()}
    assert "\u202e" not in page
    assert "<script>alert(1)</script>" in words_of(page)


@pytest.mark.parametrize(
    "text", ["<script>x</script>", "<img src=x onerror=y>", "[a](javascript:alert(1))", "<b>"]
)
def test_markdown_makes_no_markup_of_its_own(text: str) -> None:
    made = str(html_of(text))
    assert not re.search(r"<(script|img|b)\b", made)
    assert 'href="javascript' not in made


def test_tables_can_be_scrolled_by_keyboard() -> None:
    tree = parsed(render_page(cut_record()))
    frames = [one for one in tree.iter("div") if one.get("class") == "table"]
    assert len(frames) == sum(1 for _ in tree.iter("table"))
    assert all(one.get("tabindex") == "0" and one.get("aria-label") for one in frames)


def test_pictures_have_names() -> None:
    tree = parsed(render_page(cut_record()))
    pictures = [one for one in tree.iter() if str(one.tag).endswith("svg")]
    assert len(pictures) >= 2
    assert all(one.get("role") == "img" and one.get("aria-label") for one in pictures)


def test_numbers_stay_with_their_units_but_not_in_code() -> None:
    assert (
        with_units("at 5 % of 3.2 ms, 2 xylophones") == "at 5\u00a0% of 3.2\u00a0ms, 2 xylophones"
    )
    fenced = "1 x\n\n```yaml\nsize: 5 %\n```\n\n2 points"
    assert with_units(fenced) == "1\u00a0x\n\n```yaml\nsize: 5 %\n```\n\n2\u00a0points"
