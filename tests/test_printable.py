"""What of a text from outside is printed."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertslim.printable import one_line, printable, shortened, shortened_within


def test_text_of_any_script_is_kept() -> None:
    assert printable("模型 модель نموذج می‌خواهم") == "模型 модель نموذج می‌خواهم"


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("red\x1b[31m", "red [31m"),
        ("\x1b]0;title\x07", " ]0;title "),
        ("csi\x9b31m", "csi 31m"),
        ("bell\a back\b", "bell  back "),
        ("gpj.\u202eexe", "gpj.exe"),
        ("a\u2028b\u2029c", "a b c"),
        ("not a character \udcff", "not a character  "),
    ],
)
def test_what_steers_a_terminal_is_dropped(text: str, printed: str) -> None:
    assert printable(text) == printed


@given(st.text())
def test_a_line_is_one_line_and_holds_nothing_unprintable(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert not {unicodedata.category(each) for each in line} & {"Cc", "Cs", "Zl", "Zp"}


def test_a_text_is_cut_at_its_end_or_in_its_middle() -> None:
    assert shortened("abcdefgh", 5) == "abcd…"
    assert shortened_within("abcdefgh", 5) == "ab…gh"
    assert shortened_within("abcdefgh", 6) == "abc…gh"
    assert shortened("abc", 3) == shortened_within("abc", 3) == "abc"
