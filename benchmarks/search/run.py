"""Compare what a search finds with shipped recipes and with one width in all layers.

All models are cut from the same rows, repaired alike, judged on rows that none of them has seen,
and timed in turns with the base in the runtime that was searched for. Nothing is trained.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.tools import environment_line
from bertslim.commands.cut import cut
from bertslim.commands.search import RECIPES, search
from bertslim.data.data_options import DataOptions
from bertslim.data.load import load_held_out
from bertslim.data.splits import Splits
from bertslim.measure.environment import default_threads
from bertslim.measure.evaluation import evaluate
from bertslim.measure.shapes import Shape
from bertslim.model.checkpoint import load_checkpoint
from bertslim.model.head_facts import describe_head
from bertslim.model.tokenizer import load_tokenizer
from bertslim.options.cut import CutOptions
from bertslim.options.search import SearchOptions
from bertslim.progress import Progress
from bertslim.recipe.schema import Recipe
from bertslim.records import Measurement
from bertslim.report.tables import Table
from bertslim.search.levels import CRITERION, REFINE
from bertslim.search.search_runtimes import SearchRuntime
from bertslim.search.timed_files import FileWriter, RuntimeTime, time_models

SHIPPED = (
    "quarter_width_repaired",
    "narrow_odd",
    "drop_odd_repaired",
    "drop_odd_linear",
    "linear_all",
    "drop_top_layers",
)
WIDTHS = (0.5, 0.375, 0.25, 0.125, 0.0625)
SECONDS = 4.0
LAUNCHES = 4


@dataclass(frozen=True)
class Rival:
    """A recipe that is measured.

    Attributes:
        group: What it belongs to.
        name: Which of these it is.
        recipe: Its path, or the name of a shipped one.
    """

    group: str
    name: str
    recipe: str


def main() -> None:
    arguments = parse()
    print(f"{environment_line()}; {arguments.runtime} at 1x{arguments.length}", flush=True)
    progress = Progress(visible=False)
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        found = search(search_options(arguments, folder / "found"), progress)
        rivals = [
            *(
                Rival("found", point.name, str(folder / "found" / RECIPES / f"{point.name}.yaml"))
                for point in found.frontier.points
                if point.solved is not None
            ),
            *uniform(folder, arguments.widths),
            *(Rival("shipped", name, name) for name in arguments.shipped),
        ]
        print(measured(rivals, arguments, folder, progress).markdown())


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add(
        "base", type=Path, help="a fine-tuned classifier, such as one of benchmarks/repair/bases.py"
    )
    add("data", help="rows to search and repair with")
    add("held", help="other rows, to judge all models on")
    add("--runtime", type=SearchRuntime, default=SearchRuntime.ONNXRUNTIME_INT8)
    add("--length", type=int, default=128)
    add("--target-latency", help="what is searched for; default: the frontier")
    add("--widths", nargs="*", type=float, default=WIDTHS, help="of all layers alike")
    add("--shipped", nargs="*", default=SHIPPED, help="recipes")
    add("--minutes", type=float, default=10.0)
    add("--threads", type=int, default=default_threads(), help="default: all cores")
    add("--seed", type=int, default=0)
    return parser.parse_args()


def search_options(arguments: argparse.Namespace, output: Path) -> SearchOptions:
    return SearchOptions(
        str(arguments.base),
        DataOptions(arguments.data),
        target_latency=arguments.target_latency,
        runtime=arguments.runtime,
        length=arguments.length,
        minutes=arguments.minutes,
        threads=arguments.threads,
        seed=arguments.seed,
        output=output,
    )


def uniform(folder: Path, widths: Sequence[float]) -> Iterator[Rival]:
    """Write a recipe for each width, the same in all layers, with the same repair."""
    for width in widths:
        name = f"width-{width:g}"
        step = {"op": "resize_ffn", "layers": "all", "width": width, "criterion": CRITERION}
        repair = {"refine": REFINE}
        raw: dict[str, Any] = {"version": 1, "name": name, "surgery": [step], "reconstruct": repair}
        path = folder / f"{name}.yaml"
        path.write_text(Recipe.model_validate(raw).to_yaml(), encoding="utf-8")
        yield Rival("one width", name, str(path))


def measured(
    rivals: list[Rival], arguments: argparse.Namespace, folder: Path, progress: Progress
) -> Table:
    """Cut, judge and time all of them."""
    base = load_checkpoint(arguments.base)
    head = describe_head(arguments.base, base.config, base.facts)
    held = load_held_out(DataOptions(arguments.held), head, progress)
    files = folder / "files"
    files.mkdir()
    writer = FileWriter(base, arguments.runtime, [], files)
    models, quality = {}, {}
    for number, rival in enumerate(rivals):
        directory = folder / f"rival-{number}"
        options = CutOptions(
            str(arguments.base),
            rival.recipe,
            output=directory,
            data=DataOptions(arguments.data),
            measure=None,
            threads=arguments.threads,
            seed=arguments.seed,
        )
        cut(options, progress)
        slim = load_checkpoint(directory)
        quality[str(number)] = judge(arguments, slim.model, held, progress)
        models[str(number)] = writer.write(str(number), slim)
        print(f"{rival.group}, {rival.name}: cut", flush=True)
    times = time_models(
        writer.base_file,
        models,
        Shape(1, arguments.length),
        threads=arguments.threads,
        seconds=SECONDS,
        seed=arguments.seed,
        progress=progress,
        launches=LAUNCHES,
    )
    numbers = sorted(times, key=lambda number: times[number].ratio)
    rows = [row(rivals[int(number)], times[number], quality[number]) for number in numbers]
    headers = (
        "model",
        "found by",
        "fastest calls",
        "medians",
        "95 % interval",
        "KL, nats",
        "points",
    )
    return Table("llrrrrr", headers, tuple(rows))


def judge(
    arguments: argparse.Namespace, slim: Any, held: Splits, progress: Progress
) -> dict[str, Measurement]:
    """Compare a model with the base on the rows that were kept aside."""
    found = evaluate(
        load_checkpoint(arguments.base),
        slim,
        held,
        load_tokenizer(arguments.base),
        seed=arguments.seed,
        progress=progress,
    )
    return {one.name: one for one in found.measurements}


def row(rival: Rival, time: RuntimeTime, quality: dict[str, Measurement]) -> tuple[str, ...]:
    interval, accuracy = time.interval, quality["accuracy.accuracy"]
    lost = 100 * ((accuracy.slim or 0.0) - (accuracy.base or 0.0))
    return (
        rival.name,
        rival.group,
        f"{time.ratio:.3f}",
        f"{time.median_ratio:.3f}",
        f"{interval.low:.3f} to {interval.high:.3f}" if interval else "",
        f"{quality['fidelity.kl'].slim:.4f}",
        f"{lost:+.2f}",
    )


if __name__ == "__main__":
    main()
