"""Cut a classifier, export it in int8, and accept it only within limits: bertslim as a library.

python examples/library/cut_and_check.py my-classifier reviews.csv slim
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import bertslim

RECIPE = "quarter_width_repaired"
RULES = (bertslim.MaxAccuracyDrop.parse("2.0"), bertslim.MaxBytes.parse("100MB"))


def cut_and_check(model: str, data: str, output: str, recipe: str = RECIPE) -> Path:
    """Make a slim classifier with an int8 file for ONNX Runtime.

    Args:
        model: A directory, `pkg:NAME` or a Hub id.
        data: A file of texts with labels; a tenth of it is held out for the figures.
        output: The directory to write.
        recipe: The path of a recipe, or the name of a shipped one.

    Returns:
        The exported file.

    Raises:
        bertslim.BertslimError: Something is not usable, or a rule fails.
    """
    slim = bertslim.cut(bertslim.CutOptions(model, recipe=recipe, data=data, output=output))
    for name in ("parameters", "accuracy.accuracy"):
        for measurement in slim.record.find(name):
            print(f"{name}: {measurement.base:,.4g} -> {measurement.slim:,.4g}")
    exported = bertslim.export(
        bertslim.ExportOptions(output, format="onnx", precision="int8", data=data)
    )
    print(f"{exported.path}: {exported.record.size / 1e6:.1f} MB")
    checked = bertslim.check(bertslim.CheckOptions(output, rules=RULES))
    for verdict in checked.rule_results.verdicts:
        print(f"{verdict.outcome}: {verdict.sentence}")
    checked.rule_results.enforce()
    return exported.path


def main() -> int:
    """Run it on the command line, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("model", help="a directory, pkg:NAME or a name on the Hub")
    parser.add_argument("data", help="a file of texts with labels")
    parser.add_argument("output", help="the directory to write")
    parser.add_argument("--recipe", default=RECIPE, help="default: %(default)s")
    given = parser.parse_args()
    try:
        cut_and_check(given.model, given.data, given.output, given.recipe)
    except bertslim.BertslimError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
