"""Run `bertslim bench` and print the times."""

from __future__ import annotations

from bertslim.cli.runs.show import progress_for
from bertslim.commands import bench as command
from bertslim.options.bench import BenchOptions
from bertslim.records import BenchResult
from bertslim.report.alternatives_table import alternatives_text
from bertslim.report.timing_table import bench_text
from bertslim.terminal import print_json, print_text


def run(options: BenchOptions, *, quiet: bool, as_json: bool) -> None:
    """Time models and print the times."""
    result = command.bench(options, progress_for(quiet=quiet, as_json=as_json))
    if as_json:
        print_json(result.model_dump_json(indent=2))
    elif not quiet:
        print_text(report_of(result))


def report_of(result: BenchResult) -> str:
    """Write the times, and the scores beside them where alternatives were compared."""
    if result.alternatives is None:
        return bench_text(result)
    return alternatives_text(result, result.alternatives)
