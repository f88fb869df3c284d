"""Run `bertslim cut` and print what it gained and lost."""

from __future__ import annotations

from functools import partial

from bertslim.cli.runs.print_result import run_and_print
from bertslim.commands import cut as command
from bertslim.options.cut import CutOptions


def run(options: CutOptions, *, quiet: bool, as_json: bool) -> None:
    """Cut a model and print the result in short."""
    run_and_print(partial(command.cut, options), quiet=quiet, as_json=as_json)
