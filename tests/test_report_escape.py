from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bertslim.report.escape import display_width, escape, fenced

PARSER = MarkdownIt("commonmark").enable("table")
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![spy](https://evil.example/pixel.png)",
    "[click](javascript:alert(1))",
    "**loud** and _leaning_ and `code`",
    "&lt;b&gt; & &#60;",
    "# heading",
    "- item",
    "> quote",
    "a | b",
    "back\\slash \\| bar",
    "__init__.py",
]


def shown_by_markdown(source: str) -> str:
    """The text that a reader of the rendered line sees; fails where it is more than text."""
    paragraph, inline, end = PARSER.parse(source)
    assert (paragraph.type, inline.type, end.type) == (
        "paragraph_open",
        "inline",
        "paragraph_close",
    )
    assert {child.type for child in inline.children} <= {"text", "text_special"}
    return "".join(child.content for child in inline.children)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_as_it_is(text):
    assert shown_by_markdown(escape(text)) == text


@given(st.text(alphabet=st.sampled_from("<>&;|\\`*_[]()!#-+ ax1\n\t"), min_size=1))
def test_any_text_is_shown_as_it_is(text):
    words = " ".join(text.split())
    escaped = escape(text)
    if words and not re.match(r"\d+[.)]|([-_*] ?){3}|[-+=]+$", words):
        assert shown_by_markdown(escaped) == words
    assert "\n" not in escaped
    assert not re.search(r"(?<!\\)(\\\\)*\|", escaped)


def test_names_stay_readable():
    assert escape("macro_f1 of MiniLM-L6_v2 (12.5 %)") == "macro_f1 of MiniLM-L6_v2 (12.5 %)"


def test_control_characters_do_not_reach_a_terminal():
    assert escape("red\x1b[31m\r\nline\u2028end\x00\u202eevil") == "red \\[31m line end evil"


@pytest.mark.parametrize("text", ["```\n# out", "a\n`````\n<b>", "plain\n"])
def test_nothing_closes_a_fence(text):
    (token,) = PARSER.parse(fenced(text, "yaml"))
    assert token.type == "fence"
    assert token.info == "yaml"
    assert token.content.rstrip("\n") == text.rstrip("\n")


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("模型", 4), ("e\u0301", 1), ("", 0)])
def test_display_width(text, width):
    assert display_width(text) == width
