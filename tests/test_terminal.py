"""What is printed cannot steer a terminal, nor command a job of GitHub."""

from __future__ import annotations

import io
import json
import sys

import pytest

from bertslim.terminal import clear_line, print_command, print_json, print_line, print_text

HOSTILE = "a\x1b[2J\x07\u202eb\n::error::no\r\n  ::add-mask::x ##[error]y"


def test_a_line_stays_one_and_is_cut(capfd: pytest.CaptureFixture[str]) -> None:
    print_line(f"data: {HOSTILE}")
    print_line("x" * 5000, error=True)
    out, err = capfd.readouterr()
    assert out == "data: a [2J b ::error::no ::add-mask::x #\\#[error]y\n"
    assert err == "x" * 1999 + "…\n"


def test_no_line_of_a_text_is_a_command_to_github(capfd: pytest.CaptureFixture[str]) -> None:
    print_text(f"| {HOSTILE} |\n")
    assert capfd.readouterr().out == (
        "| a [2J b\n\\::error::no \n  \\::add-mask::x #\\#[error]y |\n"
    )
    print_line("::warning::a directory may be called so")
    assert capfd.readouterr().out == "\\::warning::a directory may be called so\n"


def test_a_command_that_is_meant_is_printed_as_one(capfd: pytest.CaptureFixture[str]) -> None:
    print_command("::error title=check::slower\x1b")
    print_command("::notice::passed", error=True)
    assert capfd.readouterr() == ("::error title=check::slower\n", "::notice::passed\n")


def test_json_keeps_its_values(capfd: pytest.CaptureFixture[str]) -> None:
    value = {"name": f"{HOSTILE}\x9b\x7f\u2029 模型"}
    print_json(json.dumps(value, ensure_ascii=False, indent=2))
    out = capfd.readouterr().out
    assert json.loads(out) == value
    assert "模型" in out
    assert not set("\x1b\x9b\x7f\u202e\u2029") & set(out)
    assert "##[" not in out


def test_tabs_and_line_breaks_of_a_text_are_kept(capfd: pytest.CaptureFixture[str]) -> None:
    print_text("a\tb\n\nc")
    assert capfd.readouterr().out == "a\tb\n\nc\n"


def test_a_line_is_written_over(capfd: pytest.CaptureFixture[str]) -> None:
    clear_line("load\n …")
    assert capfd.readouterr().err == "\r\x1b[Kload …"


def test_a_terminal_of_few_characters_shows_the_rest_by_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    print_line("−2 %")
    assert raw.getvalue() == b"\\u22122 %\n"
