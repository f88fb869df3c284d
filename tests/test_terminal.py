"""What is printed cannot steer a terminal, nor command a job of GitHub."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bertslim.errors import OutputError
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


class Full(io.StringIO):
    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_output_that_cannot_be_written_is_said_and_errors_are_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdout", Full())
    monkeypatch.setattr(sys, "stderr", Full())
    with pytest.raises(OutputError, match=r"standard output: cannot be written \(No space left"):
        print_line("x")
    print_line("x", error=True)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_takes_nothing_and_no_file_takes_its_place(
    closed: str, tmp_path: Path
) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "from bertslim.terminal import open_closed_streams, print_line; open_closed_streams()\n"
        f"descriptor = os.open({str(tmp_path / 'file')!r}, os.O_WRONLY | os.O_CREAT)\n"
        "print_line('text'); print_line('text', error=True)\n"
        "sys.exit(0 if descriptor > 2 else 1)"
    )
    command = f'"$0" -c "$1" {closed}'
    subprocess.run(["/bin/sh", "-c", command, sys.executable, code], check=True)
    assert (tmp_path / "file").read_bytes() == b""
