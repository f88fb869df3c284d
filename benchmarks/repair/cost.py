"""What a repair costs beside one plain forward pass of the base over the same texts.

Each runs in a process of its own, and both take turns. Loading, reading the data, tokenising and
saving are left out of the times of both, not of the memory.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

import bertslim
from benchmarks.repair.cases import Case, calibration_batches
from benchmarks.repair.cuts import SAMPLES, Candidate, Cut
from benchmarks.repair.results import Cost
from bertslim.measure.bootstrap import ratio_interval
from bertslim.measure.memory import peak_resident_bytes
from bertslim.model.model_source import find_model
from bertslim.records import Measurement, Record


@dataclass(frozen=True)
class Run:
    """What one process measured of itself."""

    seconds: float
    peak_bytes: int


def measure_cost(case: Case, cut: Cut, repaired: Candidate, runs: int) -> Cost:
    """Run the repair and the forward pass so many times in turn, after once each for the caches."""
    recipe = case.write(repaired)
    arguments = [case.given, str(recipe), str(case.fit), str(case.whole), str(case.threads)]
    taken: dict[str, list[Run]] = {"forward": [], "repair": []}
    for _ in range(runs + 1):
        for what, of_it in taken.items():
            of_it.append(run_once([what, *arguments]))
    forward, repair = (of_it[1:] for of_it in taken.values())
    return Cost(
        case=case.name,
        cut=cut.name,
        method=repaired.method,
        texts=SAMPLES,
        runs=runs,
        seconds=_compared(
            "seconds", *([run.seconds for run in each] for each in (forward, repair))
        ),
        peak=_compared("bytes", *([run.peak_bytes for run in each] for each in (forward, repair))),
    )


def _compared(unit: str, forward: Sequence[float], repair: Sequence[float]) -> Measurement:
    base, slim = np.array(forward, dtype=np.float64), np.array(repair, dtype=np.float64)
    interval = ratio_interval(base, slim, seed=0)
    medians = float(np.median(base)), float(np.median(slim))
    return Measurement(
        name="cost",
        unit=unit,
        base=medians[0],
        slim=medians[1],
        ratio=medians[1] / medians[0],
        interval=interval,
        context={"runs": len(forward)},
    )


def run_once(arguments: list[str]) -> Run:
    """Run this file in a process of its own; one that fails ends the benchmark."""
    done = subprocess.run(
        [sys.executable, __file__, *arguments], stdout=subprocess.PIPE, text=True, check=True
    )
    return Run(**json.loads(done.stdout))


def repair_seconds(record: Record) -> float:
    """Return what the repair took, and the survey of neurons and tokens, if there was one."""
    steps = {step.name: step.seconds for step in record.steps}
    return steps["reconstruct"] + steps.get("survey", 0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=("forward", "repair"))
    parser.add_argument("model")
    parser.add_argument("recipe")
    parser.add_argument("fit", type=Path)
    parser.add_argument("held", type=Path)
    parser.add_argument("threads", type=int)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    seconds = forward(arguments) if arguments.what == "forward" else repair(arguments)
    print(json.dumps({"seconds": seconds, "peak_bytes": peak_resident_bytes()}))


@torch.inference_mode()
def forward(arguments: argparse.Namespace) -> float:
    """Return the seconds of a forward pass of the base over the calibration texts."""
    model = bertslim.load(find_model(arguments.model).directory).float()
    batches = calibration_batches(arguments.model, arguments.fit, arguments.held)
    start = time.perf_counter()
    for batch in batches:
        model(**batch.inputs)
    return time.perf_counter() - start


def repair(arguments: argparse.Namespace) -> float:
    """Return the seconds of the repair."""
    with tempfile.TemporaryDirectory() as scratch:
        options = bertslim.CutOptions(
            model=arguments.model,
            recipe=arguments.recipe,
            output=Path(scratch) / "slim",
            data=bertslim.DataOptions(str(arguments.fit), str(arguments.held)),
            measure=None,
            threads=arguments.threads,
        )
        return repair_seconds(bertslim.cut(options).record)


if __name__ == "__main__":
    main()
