"""Quoted texts: only where they were asked for, never in a card, always as text."""

from __future__ import annotations

import html5lib

from bertslim.records import Disagreement, Disagreements
from bertslim.report.differing_texts import differing_texts
from bertslim.report.page import render_page
from bertslim.report.render import render_model_card, render_report
from support.example_records import QUOTED_TEXT, cut_record, full_record

ARABIC = "\u0627\u0644\u0633\u0644\u0627\u0645 \U0001f600"
HOSTILE = f"<script>alert(1)</script>\n# x\n\u202e{ARABIC} " + "long" * 2500


def test_texts_stand_in_the_report_and_not_in_the_card() -> None:
    record = full_record()
    assert QUOTED_TEXT in render_report(record)
    assert QUOTED_TEXT in render_page(record)
    card = render_model_card(record)
    assert QUOTED_TEXT not in card
    assert "answered differently" not in card


def test_without_them_there_is_no_such_section() -> None:
    assert "answered differently" not in render_report(cut_record())


def test_each_text_stands_below_its_answers() -> None:
    text = render_report(full_record())
    assert "21 of 500 held-out texts are answered differently. 2 of them" in text
    assert (
        "base: other_thing; slim: refund \\| &lt;late>; label: other_thing; apart by: 1.2" in text
    )
    assert "> 2\\. short" in text


def test_none_is_said_to_be_none() -> None:
    assert differing_texts(Disagreements(rows=9, different=0, shown=()), "base", "slim") == (
        "0 of 9 held-out texts are answered differently."
    )


def test_a_hostile_text_is_shown_harmlessly() -> None:
    one = Disagreement(text=HOSTILE, truth=HOSTILE, base=HOSTILE, slim="x")
    record = cut_record(disagreements=Disagreements(rows=1, different=1, shown=(one,)))
    page = render_page(record)
    tree = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page)
    tags = [element.tag for element in tree.iter()]
    assert "script" not in tags
    assert tags.count("blockquote") == 1
    quote = next(element for element in tree.iter() if element.tag == "blockquote")
    assert quote.get("dir") == "auto"
    assert "\u202e" not in page
    assert ARABIC in "".join(quote.itertext())
