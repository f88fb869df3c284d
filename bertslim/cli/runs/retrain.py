"""Run `bertslim retrain` and print its result."""

from __future__ import annotations

from functools import partial

from bertslim.cli.runs.print_result import run_and_print
from bertslim.commands import retrain as command
from bertslim.options.retrain import RetrainOptions


def run(options: RetrainOptions, *, quiet: bool, as_json: bool) -> None:
    """Train a model and print the result in short."""
    run_and_print(partial(command.retrain, options), quiet=quiet, as_json=as_json)
