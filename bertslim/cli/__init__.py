"""The command line: parsing of arguments; `runs` calls the commands and prints the results."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer
from typer.exceptions import TyperException

import bertslim
from bertslim.cli.all_commands import AllCommands
from bertslim.cli.command_line import remember
from bertslim.interrupts import INTERRUPTED, INTERRUPTION, interruptible
from bertslim.output.temporary_folder import temporary_folder
from bertslim.printable import one_line, shortened
from bertslim.terminal import print_line, print_text

FAILED = 1
_LONGEST_USAGE = 500  # characters of what a person wrote

app = typer.Typer(
    name="bertslim",
    cls=AllCommands,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _show_version(show: bool) -> None:
    if show:
        print_line(f"bertslim {bertslim.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version and stop."
        ),
    ] = False,
) -> None:
    """Make a BERT smaller and faster, and measure that it is still good.

    A recipe lists the feed-forward (FFN) blocks to delete or rescale. The result is a checkpoint
    that transformers loads, with a report beside it.

    \b
    Examples:
      bertslim cut bert-base-uncased --recipe drop_odd
      bertslim report
      bertslim export --onnx
      bertslim check --max-latency-ratio 0.9

    \b
    Exit codes: 0 done, 1 failed, 2 usage or bad input, 3 regression found or target out of reach,
    4 inconclusive, 70 a defect of bertslim, 130 interrupted.
    """


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code; errors are one line on standard error."""
    remember(arguments)
    try:
        with interruptible(), temporary_folder():
            code = app(arguments, prog_name="bertslim", standalone_mode=False)
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except TyperException as error:
        return _usage(error)
    except SystemExit:
        raise
    except BaseException as error:  # a panic of a library in Rust is no Exception
        if "--debug" in arguments:
            import traceback

            print_text("".join(traceback.format_exception(error)), error=True)
        from bertslim.cli.failures import failure

        ended = failure(error)
        return _fail(str(ended), ended.exit_code)
    if code == INTERRUPTED:  # typer turns Ctrl-C into a code of its own
        return _fail(INTERRUPTION, INTERRUPTED)
    return code if isinstance(code, int) else 0


def _usage(error: TyperException) -> int:
    message = error.format_message()
    if type(error).__name__ == "NoArgsIsHelpError":  # a command is missing: the help itself
        print_text(message, error=True)
        return error.exit_code
    context = getattr(error, "ctx", None)
    hint = f"; see `{context.command_path} --help`" if context else ""
    said = shortened(one_line(message), _LONGEST_USAGE)
    return _fail(said.rstrip(".") + hint, error.exit_code)


def _fail(message: str, code: int) -> int:
    for line in message.splitlines():
        print_line(f"bertslim: {line}", error=True)
    return code
