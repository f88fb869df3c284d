"""The one place that prints: on standard output, and on standard error beside it.

What is printed may hold text from outside, such as the name of a directory or of a column. It can
neither steer the terminal nor, in a job of GitHub, be taken for a workflow command.
"""

from __future__ import annotations

import os
import re
import sys
from typing import TextIO

from bertslim.errors import OutputError
from bertslim.printable import one_line, printable, shortened

_LONGEST_LINE = 2000
# "::error::" at the start of a line, and its older form "##[error]" anywhere in one
_WORKFLOW_COMMAND = re.compile(r"^(?P<blank>\s*):(?=:)|(?P<mark>#(?=#\[))", re.MULTILINE)


def print_line(text: str, *, error: bool = False) -> None:
    """Print one line, to which line breaks in the text are folded.

    Args:
        text: What it says.
        error: Whether it goes to standard error.
    """
    _write(_disarmed(shortened(one_line(text), _LONGEST_LINE)) + "\n", error=error)


def print_text(text: str, *, error: bool = False) -> None:
    """Print several lines, such as a table; line breaks and tabs are kept, and nothing is cut.

    Args:
        text: The lines.
        error: Whether they go to standard error.
    """
    lines = ("\t".join(map(printable, line.split("\t"))) for line in text.split("\n"))
    _write(_disarmed("\n".join(lines)) + ("" if text.endswith("\n") else "\n"), error=error)


def print_json(text: str) -> None:
    """Print JSON; what is not printable is escaped, so that its values stay the same."""
    lines = (_escaped_in_json(line) for line in text.rstrip("\n").split("\n"))
    _write("\n".join(lines) + "\n")


def print_command(command: str, *, error: bool = False) -> None:
    """Print a workflow command of GitHub, whose parts are escaped already.

    Args:
        command: The line.
        error: Whether it goes to standard error.
    """
    _write(one_line(command) + "\n", error=error)


def clear_line(text: str = "") -> None:
    """Write a text over the line of standard error where the cursor is, and stay on it."""
    _write(f"\r\033[K{one_line(text)}", error=True)


def _disarmed(text: str) -> str:
    r"""Put a backslash before what GitHub takes for a command; in Markdown it is not shown."""
    return _WORKFLOW_COMMAND.sub(
        lambda match: "#\\" if match["mark"] else f"{match['blank']}\\:", text
    )


def _escaped_in_json(line: str) -> str:
    if printable(line) != line:
        line = "".join(
            character if printable(character) == character else _json_escape(character)
            for character in line
        )
    return line.replace("##[", "#\\u0023[")


def _json_escape(character: str) -> str:
    number = ord(character)  # all that is not printable has four digits
    return f"\\u{number:04x}"


def open_closed_streams() -> None:
    """Have what is printed go nowhere where the caller closed standard output or standard error.

    Else the next file that is opened takes the place of the stream, and is printed into.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
            setattr(sys, name, os.fdopen(number, "w" if number else "r"))


def _write(text: str, *, error: bool = False) -> None:
    stream = sys.stderr if error else sys.stdout
    try:
        _write_to(stream, text)
    except BrokenPipeError:
        raise
    except OSError as failed:
        if not error:  # where errors cannot be told, the exit code alone tells
            raise OutputError(
                f"cannot be written ({failed.strerror or failed})", where="standard output"
            ) from failed


def _write_to(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
    except UnicodeEncodeError:  # a terminal of a few characters only
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()
