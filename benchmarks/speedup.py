"""What the runtime, the precision and the cut give: time and accuracy of each, and of all together.

A classifier, whole, cut by recipes and as a search found it, runs in PyTorch, ONNX Runtime and
OpenVINO; every pair of model and runtime in a process of its own, all in turns. Each answers
held-out rows, too.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import bertslim
from benchmarks.tools import (
    ROOT,
    Figure,
    Results,
    environment_line,
    points_of,
    ratio_of,
    read_results,
    write_between_marks,
    write_results,
)
from bertslim.commands.export import export_checkpoint
from bertslim.commands.publish import model_record
from bertslim.data.data_options import DataOptions
from bertslim.export.formats import Format
from bertslim.measure.environment import default_threads, describe_environment
from bertslim.measure.latency import LatencyBench, run_launches
from bertslim.measure.runtimes import Runtime, TimedModel
from bertslim.measure.shapes import Shape
from bertslim.model.model_source import find_model
from bertslim.options.export import ExportOptions
from bertslim.progress import Progress
from bertslim.records import Frontier, Frozen, Measurement
from bertslim.report.tables import Table

if TYPE_CHECKING:
    from bertslim.data.metrics import Score
    from bertslim.data.task import Rows
    from bertslim.export.formats import Precision

SHAPES = (Shape(1, 32), Shape(1, 128), Shape(8, 128))
RECIPES = ("quarter_width_repaired", "quarter_width_half_heads_trained")
PAGE, SUMMARY = ROOT / "docs" / "bench.md", ROOT / "README.md"
SUMMARISED = "ONNX Runtime", "int8"
SUMMARY_MARKS = "<!-- speed -->", "<!-- end of speed -->"
_SILENT = Progress(visible=False)


class Way(Frozen):
    """A way to run a model.

    Attributes:
        model: "whole", the name of the recipe that cut it, or the target of the search.
        runtime: The program, in words.
        weights: The type of weights and products.
        latencies: Of this way ("slim") and the whole model in PyTorch and float32 ("base").
        accuracy: In the same roles; None for that model itself.
    """

    model: str
    runtime: str
    weights: str
    latencies: tuple[Measurement, ...]
    accuracy: Measurement | None


class Speedups(Results):
    """What was measured on one machine."""

    ways: tuple[Way, ...] = ()


@dataclass(frozen=True)
class Kind:
    """A runtime and a precision that every model is run in."""

    runtime: str
    weights: str
    timed: Runtime
    format: Format | None = None
    precision: Precision = "fp32"


KINDS = (
    Kind("PyTorch", "float32", Runtime.TORCH),
    Kind("PyTorch", "bfloat16", Runtime.TORCH_BF16),
    Kind("ONNX Runtime", "float32", Runtime.ONNXRUNTIME, Format.ONNX),
    Kind("ONNX Runtime", "int8", Runtime.ONNXRUNTIME, Format.ONNX, "int8"),
    Kind("OpenVINO", "float32", Runtime.OPENVINO, Format.OPENVINO),
    Kind("OpenVINO", "bfloat16", Runtime.OPENVINO_BF16, Format.OPENVINO),
    Kind("OpenVINO", "int8 and bfloat16", Runtime.OPENVINO_BF16, Format.OPENVINO, "int8"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("model", help="a fine-tuned classifier")
    add("--recipes", nargs="+", default=RECIPES, help="what it is cut by; default: %(default)s")
    add("--found", nargs="*", type=Path, default=(), metavar="DIR",
        help="models that `bertslim search` found for a share of the time of this one")  # fmt: skip
    add("--data", default="stanfordnlp/sst2", help="rows to cut and to quantise by")
    add("--eval-data", help="rows to measure accuracy on; default: a tenth of --data")
    add("--rows", type=int, help="how many rows to measure accuracy on, at most; default: all")
    add("--seconds", type=float, default=30.0, help="for each shape, over all launches")
    add("--launches", type=int, default=5)
    add("--output", type=Path, default=Path("speedup.json"), help="where results are kept")
    add("--write", action="store_true",
        help=f"write the table into {PAGE.name}, and a part of it into {SUMMARY.name}")  # fmt: skip
    given = parser.parse_args()
    results = read_results(given.output, Speedups, describe_environment(default_threads()))
    if not results.ways:
        results = results.model_copy(update={"ways": measure(given)})
        write_results(given.output, results)
    page = f"{table_of(results.ways).markdown()}\n\n{footnote(results)}"
    print(page)
    if given.write:
        write_between_marks(PAGE, page)
        summary = f"{table_of(summarised(results.ways)).markdown()}\n\n{footnote(results)}"
        write_between_marks(SUMMARY, summary, SUMMARY_MARKS)


def measure(given: argparse.Namespace) -> tuple[Way, ...]:
    """Cut the model, export all, and measure all ways."""
    base, data = find_model(given.model).directory, DataOptions(given.data, given.eval_data)
    found = {name_found(directory, base): directory for directory in given.found}
    with tempfile.TemporaryDirectory() as folder:
        cuts = {
            Path(recipe).stem: cut(base, recipe, data, Path(folder)) for recipe in given.recipes
        }
        directories = {"whole": base, **cuts, **found}
        ways = [(model, kind) for model in directories for kind in KINDS]
        paths = {
            (model, kind): export(directories[model], kind, data, Path(folder) / model)
            for model, kind in ways
        }
        timed = {
            f"{model} {kind.timed} {kind.weights}": TimedModel(paths[model, kind], kind.timed)
            for model, kind in ways
        }
        first, *_ = timed
        with LatencyBench(
            timed, SHAPES, threads=default_threads(), seed=0, progress=Progress(), min_rounds=4
        ) as bench:
            run_launches(bench, given.launches, given.seconds)
            latencies = [bench.compare(first, name).measurements for name in timed]
        judge = Judge(base, data, given.rows)
        return tuple(
            Way(
                model=model,
                runtime=kind.runtime,
                weights=kind.weights,
                latencies=tuple(one for one in found if one.name == "latency"),
                accuracy=None if number == 0 else judge.accuracy(paths[model, kind], kind),
            )
            for number, ((model, kind), found) in enumerate(zip(ways, latencies, strict=True))
        )


def name_found(directory: Path, base: Path) -> str:
    """Name a found model by its target; one that is of another base ends the benchmark."""
    frontier = Frontier.read(directory)
    if frontier.base.sha256 != model_record("", base).sha256:
        sys.exit(f"{directory} was not found for the model in {base}")
    if frontier.chosen is None or frontier.target.ms is None:
        sys.exit(f"{directory} holds no model that was chosen for its time")
    return f"search {frontier.target.ms / frontier.table.base_ms:.2g}x"


def cut(base: Path, recipe: str, data: DataOptions, folder: Path) -> Path:
    """Cut the model and return where the result is."""
    options = bertslim.CutOptions(
        str(base), recipe, output=folder / f"cut-{Path(recipe).stem}", data=data,
        measure=None, threads=default_threads(),
    )  # fmt: skip
    return bertslim.cut(options).directory


def export(directory: Path, kind: Kind, data: DataOptions, folder: Path) -> Path:
    """Return what a runtime runs: the checkpoint itself, or a file that is made of it."""
    if kind.format is None:
        return directory
    folder.mkdir(exist_ok=True)
    suffix = ".onnx" if kind.format is Format.ONNX else ".xml"
    options = ExportOptions(
        directory, folder / f"{kind.precision}{suffix}",
        format=kind.format, precision=kind.precision,
        data=data if kind.precision == "int8" else None, threads=default_threads(), force=True,
    )  # fmt: skip
    return export_checkpoint(options, _SILENT).path


class Judge:
    """Compares answers to held-out rows with those of the whole model in PyTorch."""

    def __init__(self, base: Path, data: DataOptions, most: int | None) -> None:
        from bertslim.data.load import load_splits
        from bertslim.model.checkpoint import load_checkpoint
        from bertslim.model.head_facts import describe_head
        from bertslim.model.tokenizer import load_tokenizer

        self._base = load_checkpoint(base)
        head = describe_head(base, self._base.config, self._base.facts)
        splits = load_splits(data, head, _SILENT)
        self._rows = drawn(splits.report, most)
        self._tokenizer = load_tokenizer(base)
        self._whole = self._score(self._base.model)

    def accuracy(self, path: Path, kind: Kind) -> Measurement:
        """Measure the main metric."""
        from bertslim.measure.accuracy import measure_accuracy

        score = self._score(load(path, kind))
        (figure,) = measure_accuracy(
            [self._whole], [score], seed=0, context={"split": "report", "n": len(self._rows)}
        )
        return figure

    def _score(self, model: Callable[..., Any]) -> Score:
        from bertslim.measure.evaluation import answer

        rows = self._rows
        answers = answer(self._base, model, rows, self._tokenizer, Progress())
        return rows.task.score(rows.table, answers)[0]


def drawn(rows: Rows, most: int | None) -> Rows:
    """Return some rows, drawn at random in their order; all where that many are asked for."""
    if most is None or len(rows) <= most:
        return rows
    numbers = np.random.default_rng(0).choice(len(rows), most, replace=False)
    return rows.select(sorted(numbers.tolist()))


def load(path: Path, kind: Kind) -> Callable[..., Any]:
    """Load a model to be called as PyTorch's."""
    import torch

    from bertslim.export.open_exported import open_exported
    from bertslim.model.checkpoint import load_checkpoint

    if kind.format is not None:
        return open_exported(path, kind.timed)
    model: torch.nn.Module = load_checkpoint(path).model
    return model.to(torch.bfloat16 if kind.timed.in_bfloat16 else torch.float32)


def summarised(ways: Sequence[Way]) -> list[Way]:
    """Return the whole model as it comes, and each model in int8 as most CPUs can run it."""
    whole, *others = ways
    return [whole, *(way for way in others if (way.runtime, way.weights) == SUMMARISED)]


def table_of(ways: Sequence[Way]) -> Table:
    """Compare ways with the first of all."""
    rows = []
    for way in ways:
        times = (
            f"{latency.slim:.2f} ms, {faster(latency).shown(1)} x" for latency in way.latencies
        )
        points = points_of(way.accuracy).shown(2, "+") if way.accuracy else "0"
        rows.append((way.model, way.runtime, way.weights, *times, points))
    headers = ("model", "runtime", "in", *map(str, SHAPES), "accuracy, points")
    return Table("lllrrrr", headers, tuple(rows))


def faster(latency: Measurement) -> Figure:
    """Say how many times as fast as the base."""
    ratio = ratio_of(latency)
    return Figure(1 / ratio.value, 1 / ratio.high, 1 / ratio.low)


def footnote(results: Speedups) -> str:
    """Say what was measured, and where."""
    (scored, *_) = (way.accuracy for way in results.ways if way.accuracy)
    assert scored.base is not None
    return (
        "Medians, and how many times as fast as the whole model in PyTorch and float32, with 95 % "
        f"intervals over whole launches; accuracy on {scored.context['n']:,} held-out rows, where "
        f"that model has {scored.base:.2%}. {results.environment.threads} threads. "
        f"{environment_line()}."
    )


if __name__ == "__main__":
    main()
