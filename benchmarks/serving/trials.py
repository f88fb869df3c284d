"""Load a result in a process of a consumer, and compare its answers with bertslim's own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from pydantic import Field

from benchmarks.serving.consumers import LOADERS, Consumer
from benchmarks.serving.environments import Environment
from benchmarks.serving.loaders.harness import MARK
from benchmarks.serving.results import Result
from bertslim.records import Frozen

Answers = dict[str, list[list[float]]]
_PROGRESS = re.compile(r"\d+%\|")
_HIDDEN = ("PYTHONPATH", "PYTHONWARNINGS", "TRANSFORMERS_VERBOSITY", "HF_HUB_OFFLINE")
LONGEST_SECONDS = 300


class Outcome(Frozen):
    """What came of one loading.

    Attributes:
        quantity: What was compared.
        difference: The largest absolute difference; None where it failed.
        printed: What was printed from loading on, but for progress bars.
        failure: The last line of an error.
        versions: Of the consumer's packages.
    """

    quantity: str = ""
    difference: float | None = None
    printed: str = ""
    failure: str = ""
    versions: dict[str, str] = Field(default_factory=dict)


def serve(consumer: Consumer, environment: Environment, result: Result, own: Answers) -> Outcome:
    """Have a consumer load a result and answer, where bertslim is out of reach.

    Args:
        consumer: Who loads it.
        environment: Its packages.
        result: What is loaded.
        own: What bertslim's model answers, by quantity.
    """
    with tempfile.TemporaryDirectory() as folder:
        texts, answers = Path(folder) / "texts.json", Path(folder) / "answers.json"
        texts.write_text(json.dumps(result.texts), encoding="utf-8")
        files = [str(result.directory), result.kind, str(texts), str(answers)]
        done = subprocess.run(
            _command(consumer, environment, files),
            cwd=folder,
            env=_plain_environment(Path(folder)),
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST_SECONDS,
        )
        printed = "\n".join(filter(None, map(_since_mark, (done.stdout, done.stderr))))
        if done.returncode:
            return Outcome(failure=_last_line(done.stderr), printed=printed)
        found = json.loads(answers.read_text(encoding="utf-8"))
    return Outcome(
        quantity=found["quantity"],
        difference=difference(own[found["quantity"]], found["values"]),
        printed=printed,
        versions=found["versions"],
    )


def difference(own: list[list[float]], theirs: list[list[float]]) -> float:
    """Return the largest absolute difference; infinity where the shapes differ."""
    if [len(one) for one in own] != [len(one) for one in theirs]:
        return float("inf")
    return float(np.abs(np.concatenate(own) - np.concatenate(theirs)).max())


def _command(consumer: Consumer, environment: Environment, files: list[str]) -> list[str]:
    if environment.runs_node:
        return ["node", str(consumer.code), str(environment.folder), *files]
    harness = str(LOADERS / "harness.py")
    packages = ",".join(consumer.packages)
    return [str(environment.python), "-I", harness, str(consumer.code), *files, packages]


def _plain_environment(home: Path) -> dict[str, str]:
    """Return the variables of a user who has set none for these libraries, and has no cache."""
    variables = {name: text for name, text in os.environ.items() if name not in _HIDDEN}
    return variables | {"HF_HOME": str(home / "hf"), "OMP_NUM_THREADS": "1"}


def _since_mark(text: str) -> str:
    before, mark, after = text.partition(MARK)
    lines = (line.strip() for line in re.split(r"[\r\n]+", after if mark else before))
    return "\n".join(line for line in lines if line and not _PROGRESS.search(line))


def _last_line(text: str) -> str:
    lines = text.strip().splitlines() or ["it failed without a word"]
    return lines[-1]
