"""Load a result in an environment of a consumer's own, and write what it answers.

    python -I harness.py LOADER DIRECTORY KIND TEXTS ANSWERS VERSIONS

A loader has `load(directory, kind)`, which returns a function from texts to a quantity and its
values. Only what is printed after the mark is printed by loading and answering.
"""

from __future__ import annotations

import json
import runpy
import sys
from importlib.metadata import version
from pathlib import Path

MARK = "the consumer is imported"


def main() -> None:
    loader_path, directory, kind, texts, answers, packages = sys.argv[1:]
    loader = runpy.run_path(loader_path)
    for stream in (sys.stdout, sys.stderr):
        print(MARK, file=stream, flush=True)
    answer = loader["load"](Path(directory), kind)
    quantity, values = answer(json.loads(Path(texts).read_text(encoding="utf-8")))
    found = {
        "quantity": quantity,
        "values": [list(map(float, one)) for one in values],
        "versions": {name: version(name) for name in packages.split(",")},
    }
    Path(answers).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
