"""The end of `make demo`: what the cut costs and gains, where its page is, what to do next."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

import bertslim
from bertslim.measure.runtimes import Runtime
from bertslim.records import Measurement, Record, read_record

LENGTH = 64
RUNTIMES = Runtime.TORCH, Runtime.ONNXRUNTIME


@dataclass(frozen=True)
class Row:
    """A model of the demo.

    Attributes:
        title: What it is.
        accuracy: On held-out texts, from 0 to 1.
        bytes: Of its weights.
        ms: The median for a text of 64 tokens; None: the same as of the trained one.
    """

    title: str
    accuracy: float
    bytes: float
    ms: float | None = None


def main(folder: Path) -> None:
    """Print the summary of the results in a folder."""
    page = (folder / "repaired" / "report.html").resolve()
    console = Console(width=100, highlight=False, soft_wrap=True)
    console.print()
    console.print(table_of(rows_of(folder)))
    console.print(f"\nThe report of the repaired model: {page.as_uri()}")
    console.print("Your own model, with three minutes of training at the end:")
    console.print(
        "  bertslim cut ./your-model --recipe quarter_width_half_heads_trained --data your.csv"
    )


def rows_of(folder: Path) -> list[Row]:
    """Read what was measured, and time the base, the trained model and its file in turns."""
    cut, repaired, trained = (read_record(folder / name) for name in ("cut", "repaired", "trained"))
    (exported,) = trained.exports
    (in_int8,) = (one for one in exported.measurements if one.name == "accuracy.accuracy")
    base, slim, file = times(
        folder / "base", folder / "trained", *folder.glob("trained/onnx/*8.onnx")
    )
    accuracy, size = only(cut, "accuracy.accuracy"), only(cut, "bytes")
    return [
        Row("base", known(accuracy.base), known(size.base), base),
        Row("a quarter of its FFN neurons", known(accuracy.slim), known(size.slim)),
        Row("… repaired", known(only(repaired, accuracy.name).slim), known(size.slim)),
        Row(
            "… trained for a minute",
            known(only(trained, accuracy.name).slim),
            known(size.slim),
            slim,
        ),
        Row("… in int8, ONNX Runtime", known(in_int8.slim), exported.size, file),
    ]


def only(record: Record, name: str) -> Measurement:
    """Return the only measurement of a name."""
    (found,) = record.find(name)
    return found


def known(figure: float | None) -> float:
    """Return a figure that was measured."""
    if figure is None:
        raise ValueError("a figure of the demo was not measured")
    return figure


def times(*models: Path) -> list[float]:
    """Return the median of a call in ms, each model in the first runtime that suits it."""
    options = bertslim.BenchOptions(
        tuple(map(str, models)),
        batches=(1,),
        lengths=(LENGTH,),
        runtimes=RUNTIMES,
        seconds=2.0,
        launches=3,
    )
    return [timing.median_ms for timing in bertslim.bench(options).timings]


def table_of(rows: list[Row]) -> Table:
    """Show the models beside the first."""
    table = Table(box=None, pad_edge=False)
    table.add_column("model")
    for column in ("accuracy", "size", f"{LENGTH} tokens", "as fast as the base"):
        table.add_column(column, justify="right")
    base = known(rows[0].ms)
    for row in rows:
        timed = ("", "") if row.ms is None else (f"{row.ms:.2f} ms", f"{base / row.ms:.1f} x")
        table.add_row(row.title, f"{row.accuracy:.1%}", f"{row.bytes / 2**20:.0f} MiB", *timed)
    return table


if __name__ == "__main__":
    main(Path(sys.argv[1]))
