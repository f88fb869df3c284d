"""Time bertslim's ONNX files against those that other tools write of the same models.

For each model, whole and cut by a recipe, and each precision: every file in a process of its own,
all in turns. A way that fails is named with the reason.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bertslim
from benchmarks.export.rivals import RacePrecision, rivals
from benchmarks.tools import (
    ROOT,
    Results,
    environment_line,
    ratio_of,
    read_results,
    write_between_marks,
    write_results,
)
from bertslim.commands.export import export_checkpoint
from bertslim.data.data_options import DataOptions
from bertslim.export.formats import Format
from bertslim.measure.environment import default_threads, describe_environment
from bertslim.measure.latency import LatencyBench, run_launches
from bertslim.measure.runtimes import Runtime, TimedModel
from bertslim.measure.shapes import Shape
from bertslim.model.model_source import find_model
from bertslim.options.export import ExportOptions
from bertslim.printable import one_line
from bertslim.progress import Progress
from bertslim.records import Frozen, Measurement
from bertslim.report.tables import Table

OURS = "bertslim"
PRECISIONS: tuple[RacePrecision, ...] = ("fp32", "int8")
SHAPES = (Shape(1, 16), Shape(1, 32), Shape(1, 128), Shape(8, 128), Shape(32, 64))
PAGE = ROOT / "docs" / "export.md"


class Race(Frozen):
    """The files of one model in one precision.

    Attributes:
        latencies: Of bertslim's file ("slim") and a rival's ("base"), for each rival and shape.
        failed: The rivals that made no file that runs, and why.
    """

    model: str
    precision: RacePrecision
    latencies: dict[str, tuple[Measurement, ...]]
    failed: dict[str, str]


class ExportResults(Results):
    """What was measured on one machine."""

    races: tuple[Race, ...] = ()


@dataclass(frozen=True)
class Settings:
    """How files are made and timed."""

    data: str | None
    optimum: Path | None
    seconds: float
    launches: int
    threads: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("models", nargs="+", help="NAME=MODEL, such as MiniLM-L6=./my-classifier")
    add("--recipe", default="quarter_width_repaired", help="what the slim models are cut by")
    add("--data", default="stanfordnlp/sst2", help="texts to cut and to quantise by")
    add("--optimum", type=Path, help="the Python of an environment with optimum-onnx")
    add("--seconds", type=float, default=9.0, help="for each shape, over all launches")
    add("--launches", type=int, default=3)
    add("--output", type=Path, default=Path("export.json"), help="where results are gathered")
    add("--write", action="store_true", help=f"write the table into {PAGE.name}")
    given = parser.parse_args()
    here = describe_environment(default_threads())
    results = read_results(given.output, ExportResults, here)
    settings = Settings(given.data, given.optimum, given.seconds, given.launches, default_threads())
    for named in given.models:
        name, _, model = named.partition("=")
        with tempfile.TemporaryDirectory() as folder:
            base = find_model(model).directory
            for label, directory in variants(name, base, given.recipe, settings, Path(folder)):
                for precision in PRECISIONS:
                    if any(
                        (one.model, one.precision) == (label, precision) for one in results.races
                    ):
                        continue
                    race = run_race(label, directory, precision, settings, Path(folder))
                    results = results.model_copy(update={"races": (*results.races, race)})
                    write_results(given.output, results)
                    print(table_of(ExportResults(environment=here, races=(race,))).markdown())
    page = f"{table_of(results).markdown()}\n\n{footnote(results)}"
    print(page)
    if given.write:
        write_between_marks(PAGE, page)


def variants(
    name: str, base: Path, recipe: str, settings: Settings, folder: Path
) -> Iterator[tuple[str, Path]]:
    """Return the model, and the slim one."""
    yield name, base
    options = bertslim.CutOptions(
        str(base),
        recipe,
        output=folder / "slim",
        data=DataOptions(settings.data) if settings.data else None,
        measure=None,
        threads=settings.threads,
    )
    yield f"{name}, {Path(recipe).stem}", bertslim.cut(options).directory


def run_race(
    label: str, directory: Path, precision: RacePrecision, settings: Settings, folder: Path
) -> Race:
    """Make all files of a precision and time them."""
    files, failed = {OURS: folder / f"{precision}.onnx"}, {}
    data = DataOptions(settings.data) if settings.data and precision == "int8" else None
    ours = ExportOptions(
        directory,
        files[OURS],
        format=Format.ONNX,
        precision=precision,
        data=data,
        threads=settings.threads,
        force=True,
    )
    export_checkpoint(ours, Progress(visible=False))
    for number, rival in enumerate(rivals(precision, settings.optimum)):
        path = folder / f"{precision}-{number}.onnx"
        try:
            rival.make(directory, path)
        except Exception as error:  # whatever other tools raise
            failed[rival.name] = one_line(f"{type(error).__name__}: {error}")[:200]
        else:
            files[rival.name] = path
    with LatencyBench(
        {name: TimedModel(path, Runtime.ONNXRUNTIME) for name, path in files.items()},
        SHAPES,
        threads=settings.threads,
        seed=0,
        progress=Progress(),
        min_rounds=4,
    ) as bench:
        run_launches(bench, settings.launches, settings.seconds)
        found = {
            name: tuple(
                one for one in bench.compare(name, OURS).measurements if one.name == "latency"
            )
            for name in files
            if name != OURS
        }
    return Race(model=label, precision=precision, latencies=found, failed=failed)


def table_of(results: ExportResults) -> Table:
    """Compare with the fastest rival at each shape."""
    rows = []
    for race in results.races:
        for number, shape in enumerate(SHAPES):
            at_shape = {name: found[number] for name, found in race.latencies.items()}
            best = max(at_shape, key=lambda name: ratio_of(at_shape[name]).value)
            latency = at_shape[best]
            others = ", ".join(
                f"{ratio_of(one).value:.2f}" for name, one in at_shape.items() if name != best
            )
            rows.append((
                race.model,
                race.precision,
                str(shape),
                f"{latency.slim:.2f}",
                f"{latency.base:.2f}",
                best,
                ratio_of(latency).shown(2),
                others,
            ))  # fmt: skip
    headers = (
        "model", "precision", "shape", "bertslim, ms", "best other, ms", "which",
        "time / best other's", "/ others'",
    )  # fmt: skip
    return Table("lllrrlrr", headers, tuple(rows))


def footnote(results: ExportResults) -> str:
    """Say what was compared, where, and what could not be."""
    failed = {
        f"{name} made none of {race.model} in {race.precision} ({why})"
        for race in results.races
        for name, why in race.failed.items()
    }
    told = "; ".join(sorted(failed))
    return (
        "Medians, and ratios with their 95 % intervals over whole launches; ONNX Runtime, "
        f"{results.environment.threads} threads. {environment_line()}."
        + (f" {told}." if told else "")
    )


if __name__ == "__main__":
    main()
