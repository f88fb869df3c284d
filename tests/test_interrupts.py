"""A signal ends the process with 130 and one line, or with 0 once everything is done."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap

import pytest

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
LINE = "bertslim: interrupted; nothing half-made is left\n"
PREAMBLE = """
import os, signal, sys
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.default_int_handler)  # background jobs ignore some
from bertslim import interrupts
NUMBER = int(sys.argv[1])
"""
THE_PROGRAM = """
from bertslim import __main__, cli
def app(*_, **__):
{body}
cli.app, sys.argv = app, ["bertslim"]
__main__.main()
"""


def run_code(code: str, number: int) -> tuple[int, str, str]:
    """Run code in a process of its own; return its exit code and what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", PREAMBLE + textwrap.dedent(code), str(int(number))],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


def run_program(body: str, number: int) -> tuple[int, str, str]:
    """Run the program with a command of this body."""
    return run_code(THE_PROGRAM.format(body=textwrap.indent(textwrap.dedent(body), "    ")), number)


@pytest.mark.parametrize("number", SIGNALS)
def test_while_modules_are_imported(number: int) -> None:
    code = """
        class Loader:
            def find_spec(self, name, path=None, target=None):
                if name == "typer":
                    os.kill(os.getpid(), NUMBER)
        sys.meta_path.insert(0, Loader())
        from bertslim.__main__ import main
        main()
    """
    assert run_code(code, number) == (130, "", LINE)


@pytest.mark.parametrize("number", SIGNALS)
def test_while_a_command_runs_what_is_half_made_is_removed(number: int) -> None:
    body = """
        try:
            os.kill(os.getpid(), NUMBER)
        finally:
            print("removed")
    """
    assert run_program(body, number) == (130, "removed\n", LINE)


@pytest.mark.parametrize("number", SIGNALS)
def test_once_all_is_done_the_exit_code_stays(number: int) -> None:
    """Also where a library has an exit handler that the signal meets."""
    body = """
        import atexit
        atexit.register(lambda: os.kill(os.getpid(), NUMBER))
        print("done")
    """
    assert run_program(body, number) == (0, "done\n", "")


@pytest.mark.parametrize("number", SIGNALS)
def test_while_the_interpreter_ends(number: int) -> None:
    body = """
        class Last:
            def __del__(self, kill=os.kill, pid=os.getpid(), number=NUMBER):
                kill(pid, number)
        sys.last = Last()
        print("done")
    """
    assert run_program(body, number) == (0, "done\n", "")


def test_a_signal_that_a_destructor_swallows_comes_again() -> None:
    body = """
        import time
        class Swallows:
            def __del__(self):
                os.kill(os.getpid(), NUMBER)
                sum(range(10))
        swallows = Swallows()
        del swallows
        time.sleep(20)
        print("went on")
    """
    assert run_program(body, signal.SIGINT) == (130, "", LINE)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_in_code_that_is_made_while_it_runs(number: int) -> None:
    """As dataclasses make theirs: the interpreter remembers it, and ends by SIGINT."""
    body = """
        exec("os.kill(os.getpid(), NUMBER); sum(range(10))", globals())
    """
    assert run_program(body, number) == (130, "", LINE)


def test_exit_handlers_are_called_after_an_interruption() -> None:
    body = """
        import atexit
        atexit.register(print, "called")
        os.kill(os.getpid(), NUMBER)
    """
    assert run_program(body, signal.SIGTERM) == (130, "called\n", LINE)


def test_a_signal_that_a_library_turns_into_an_error_is_still_one() -> None:
    body = """
        try:
            os.kill(os.getpid(), NUMBER)
            sum(range(10))
        except KeyboardInterrupt as error:
            raise RuntimeError("a callback failed") from error
    """
    assert run_program(body, signal.SIGTERM) == (130, "", LINE)


def test_a_signal_waits_for_a_block_that_must_not_be_left_halfway() -> None:
    body = """
        with interrupts.held():
            with interrupts.held():
                os.kill(os.getpid(), NUMBER)
            print("whole")
        print("went on")
    """
    assert run_program(body, signal.SIGINT) == (130, "whole\n", LINE)


def test_a_signal_that_the_caller_has_ignored_stays_ignored() -> None:
    code = """
        signal.signal(NUMBER, signal.SIG_IGN)
        interrupts.catch_signals()
        os.kill(os.getpid(), NUMBER)
        print("went on")
    """
    assert run_code(code, signal.SIGHUP) == (0, "went on\n", "")
