"""What the studies share: figures, runs of commands, files of results, pages and pictures."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from bertslim.measure.environment import default_threads, describe_environment
from bertslim.records import Environment, Frozen, Measurement

ROOT = Path(__file__).parents[1]
BERTSLIM = str(Path(sys.executable).with_name("bertslim"))
UNKNOWN = "–"
MARKS = "<!-- results -->", "<!-- end of results -->"
INK, MUTED, ACCENT, OTHER = "#1f2328", "#8c959f", "#0969da", "#bc4c00"


@dataclass
class Footnotes:
    """Reasons below a table, each with a number."""

    texts: list[str] = field(default_factory=list)

    def mark(self, text: str) -> str:
        """Return the number of a reason, raised."""
        if text not in self.texts:
            self.texts.append(text)
        return f"<sup>{self.texts.index(text) + 1}</sup>"

    def lines(self) -> str:
        """Return the reasons, a line each."""
        return "\n".join(
            f"<sup>{number}</sup> {text}  " for number, text in enumerate(self.texts, start=1)
        )


@dataclass(frozen=True)
class Figure:
    """A figure with its 95 % interval, as tables and pictures show it."""

    value: float
    low: float
    high: float

    def shown(self, digits: int, sign: str = "") -> str:
        """Write the figure, and its interval."""
        value, low, high = (f"{end:{sign}.{digits}f}" for end in (self.value, self.low, self.high))
        return f"{value} ({low} to {high})"


def average(figures: Sequence[Figure], weights: Sequence[float] | None = None) -> Figure:
    """Average figures, and the ends of their intervals as well.

    The standard deviation of a mean is at most the mean of the standard deviations, however the
    figures depend on each other: the interval is rather too wide than too narrow.
    """
    return Figure(*(
        statistics.fmean((getattr(figure, name) for figure in figures), weights)
        for name in ("value", "low", "high")
    ))  # fmt: skip


def points_of(score: Measurement) -> Figure:
    """Return the paired difference to the base in points: hundredths of the score."""
    assert score.base is not None
    assert score.slim is not None
    low, high = ends(score)
    return Figure(100 * (score.slim - score.base), 100 * low, 100 * high)


def ratio_of(measurement: Measurement) -> Figure:
    """Return slim / base."""
    assert measurement.ratio is not None
    return Figure(measurement.ratio, *ends(measurement))


def ends(measurement: Measurement) -> tuple[float, float]:
    """Return the ends of the interval."""
    assert measurement.interval is not None
    return measurement.interval.low, measurement.interval.high


def environment_line(here: Environment | None = None) -> str:
    """Name the machine and the versions of figures in one line; by default those of this run."""
    here = here or describe_environment(default_threads())
    versions = ", ".join(f"{name} {version}" for name, version in here.versions.items())
    memory = f"{here.memory_bytes / 2**30:.0f} GiB"
    return f"{here.cpu}, {here.cores} cores, {memory}, {here.os}, Python {here.python}, {versions}"


@dataclass(frozen=True)
class Run:
    """What one run of a command took: wall time, and peak resident memory of the process."""

    seconds: float
    peak_bytes: int


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

    `ru_maxrss` starts at the resident memory of this process: less than that is never measured.
    """
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            text = output.read().decode(errors="replace")
            sys.exit(f"{' '.join(command)} ended in {process.returncode}:\n{text}")
    return Run(seconds, usage.ru_maxrss * 1024)


def median(runs: Sequence[Run], figure: Callable[[Run], float]) -> float:
    """Return the median of one figure of the runs."""
    return statistics.median(figure(run) for run in runs)


class Results(Frozen):
    """The content of a file of results of one machine, whatever else is in it."""

    environment: Environment


Kind = TypeVar("Kind", bound=Results)


def read_results(path: Path, kind: type[Kind], here: Environment) -> Kind:
    """Read the file, if it is there; results of another machine end the benchmark."""
    if not path.exists():
        return kind(environment=here)
    results = kind.model_validate_json(path.read_text(encoding="utf-8"))
    if _machine(results.environment) != _machine(here):
        sys.exit(f"{path} holds results of another machine, thread count or set of versions")
    return results


def write_results(path: Path, results: Results) -> None:
    """Write the file, whole or not at all."""
    half_written = path.with_suffix(".part")
    half_written.write_text(results.model_dump_json(indent=1) + "\n", encoding="utf-8")
    half_written.replace(path)


class ResultFile(Generic[Kind]):
    """Results that are in their file as soon as they are here.

    Args:
        path: The file, which is read if it is there.
        kind: What is in it.
        here: The machine; results of another one end the benchmark.
    """

    def __init__(self, path: Path, kind: type[Kind], here: Environment) -> None:
        self._path = path
        self._document = read_results(path, kind, here)

    @property
    def document(self) -> Kind:
        """All that is known."""
        return self._document

    def update(self, **changes: object) -> None:
        """Change the document, and write it."""
        self._document = self._document.model_copy(update=changes)
        write_results(self._path, self._document)


def _machine(environment: Environment) -> Environment:
    return environment.model_copy(update={"git": None})


def write_between_marks(page: Path, content: str, marks: tuple[str, str] = MARKS) -> None:
    """Put content between the marks of a page; one without them ends the benchmark."""
    start, end = marks
    pattern = re.compile(f"{start}.*?{end}", re.DOTALL)
    text = page.read_text(encoding="utf-8")
    if not pattern.search(text):
        sys.exit(f"{page} lacks the marks {start} and {end}")
    page.write_text(pattern.sub(lambda _: f"{start}\n{content}\n{end}", text), encoding="utf-8")


def drawing_tools() -> Any:
    """Return pyplot, set up to write the same SVG for the same figures."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    plt.rcParams.update({"font.size": 10, "svg.hashsalt": "bertslim", "text.color": INK})
    return plt


def save_picture(figure: Any, path: Path) -> None:
    """Write a picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None}, facecolor="white")
