"""The end of `make demo`: each step, five figures, where the page is, and what to do next."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.table import Table

import bertslim
from bertslim.measure.runtimes import Runtime
from bertslim.records import ExportRecord, Frontier, Measurement, Record, Solved, read_record

LENGTH = 64
RUNTIMES = Runtime.TORCH, Runtime.ONNXRUNTIME
ACCURACY = "accuracy.accuracy"
Figure = TypeVar("Figure")


@dataclass(frozen=True)
class Demo:
    """What the steps of the demo wrote.

    Attributes:
        cut: The base without three quarters of its FFN neurons.
        repaired: The same, repaired.
        found: What the search chose.
        trained: That after its training.
        frontier: The account of the search.
    """

    cut: Record
    repaired: Record
    found: Record
    trained: Record
    frontier: Frontier

    @classmethod
    def read(cls, folder: Path) -> Demo:
        """Read it from the folder of the demo."""
        return cls(
            cut=read_record(folder / "cut"),
            repaired=read_record(folder / "repaired"),
            found=read_record(folder / "found"),
            trained=read_record(folder / "trained"),
            frontier=Frontier.read(folder / "found"),
        )

    @property
    def exported(self) -> ExportRecord:
        """The int8 file of the trained model."""
        (exported,) = self.trained.exports
        return exported

    @property
    def chosen(self) -> Solved:
        """What the found model takes beside the base, both in int8."""
        return known(known(self.frontier.point(self.frontier.chosen)).solved)


@dataclass(frozen=True)
class Times:
    """Medians of a call in ms: of the base in PyTorch, and of the int8 file."""

    base: float
    file: float


def main(folder: Path) -> None:
    """Print the summary of the results in a folder."""
    demo = Demo.read(folder)
    (file,) = folder.glob("trained/onnx/*_int8.onnx")
    console = Console(width=100, highlight=False, soft_wrap=True)
    console.print()
    console.print(stages(demo))
    console.print()
    console.print(figures(demo, times(folder / "base", file)))
    page = (folder / "found" / "report.html").resolve()
    console.print(f"\nThe report of the found model: {page.as_uri()}")
    console.print("Your own model, with three minutes of training at the end:")
    console.print(
        "  bertslim search ./your-model --data your.csv --target-latency 0.5x --retrain-minutes 3"
    )


def stages(demo: Demo) -> Table:
    """Show the accuracy after each step."""
    accuracy = only(demo.cut.measurements, ACCURACY)
    table = Table(box=None, pad_edge=False)
    table.add_column(f"accuracy on {accuracy.context['n']} held-out texts")
    table.add_column()
    target = f"{(demo.frontier.target.ms or 0) / demo.frontier.table.base_ms:.2g}x"
    for title, score in (
        ("base", accuracy.base),
        ("a quarter of its FFN neurons", accuracy.slim),
        ("… repaired", only(demo.repaired.measurements, ACCURACY).slim),
        (f"found for {target} of the time", only(demo.found.measurements, ACCURACY).slim),
        ("… trained for half a minute", only(demo.trained.measurements, ACCURACY).slim),
        ("… in int8", only(demo.exported.measurements, ACCURACY).slim),
    ):
        table.add_row(title, f"{known(score):.1%}")
    return table


def figures(demo: Demo, measured: Times) -> Table:
    """Show what the file of the trained model is worth."""
    accuracy = only(demo.trained.measurements, ACCURACY)
    before, after = known(accuracy.base), known(accuracy.slim)
    interval = known(accuracy.interval)
    low, high = 100 * interval.low, 100 * interval.high
    size = known(only(demo.cut.measurements, "bytes").base)
    lost = only(demo.exported.measurements, ACCURACY)
    table = Table(box=None, pad_edge=False, show_header=False)
    change = f"{100 * (after - before):+.1f} points ({low:+.1f} to {high:+.1f})"
    faster = f"{measured.base / measured.file:.1f} x"
    points = f"{100 * (known(lost.slim) - known(lost.base)):+.1f} points"
    table.add_row("accuracy", f"{change} after training, beside the base")
    table.add_row(
        "speed",
        f"{measured.base:.2f} ms in PyTorch → {measured.file:.2f} ms in int8, {faster}, "
        f"for {LENGTH} tokens",
    )
    table.add_row("search", f"{demo.chosen.ratio:.2f} of the base's time, both in int8")
    table.add_row("size", f"{mib(size)} → {mib(demo.exported.size)} in int8")
    table.add_row(
        "parity",
        f"int8 differs from PyTorch by at most {demo.exported.difference:.1%}, {points}",
    )
    return table


def mib(size: float) -> str:
    """Write bytes in MiB."""
    return f"{size / 2**20:.0f} MiB"


def only(measurements: tuple[Measurement, ...], name: str) -> Measurement:
    """Return the only measurement of a name."""
    (found,) = (one for one in measurements if one.name == name)
    return found


def known(figure: Figure | None) -> Figure:
    """Return what was measured."""
    if figure is None:
        raise ValueError("a figure of the demo was not measured")
    return figure


def times(base: Path, file: Path) -> Times:
    """Time the base in PyTorch and the file in turns."""
    options = bertslim.BenchOptions(
        (str(base), str(file)),
        batches=(1,),
        lengths=(LENGTH,),
        runtimes=RUNTIMES,
        seconds=1.0,
        launches=2,
    )
    return Times(*(timing.median_ms for timing in bertslim.bench(options).timings))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
