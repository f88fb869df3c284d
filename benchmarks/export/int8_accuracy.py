"""What int8 costs: the answers of an int8 file beside those of PyTorch in float32, on unseen rows.

Results are gathered in a file, one at a time, so that an interrupted run goes on.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.tools import (
    ROOT,
    Results,
    environment_line,
    points_of,
    read_results,
    write_between_marks,
    write_results,
)
from bertslim.commands.export import export_checkpoint
from bertslim.data.data_options import DataOptions
from bertslim.export.formats import Format
from bertslim.measure.environment import default_threads, describe_environment
from bertslim.options.export import ExportOptions
from bertslim.progress import Progress
from bertslim.records import Frozen, Measurement
from bertslim.report.measurement_text import base_value, kind_of, slim_value
from bertslim.report.tables import NOTHING, Table

PAGE = ROOT / "docs" / "export.md"
MARKS = "<!-- int8 accuracy -->", "<!-- end of int8 accuracy -->"


class Case(Frozen):
    """One model as an int8 file.

    Attributes:
        data: What it was fine-tuned to.
        model: What it is called.
        in_float32: What was left in float32.
        measurements: Of the file ("slim") and of PyTorch in float32 ("base").
    """

    data: str
    model: str
    in_float32: tuple[str, ...]
    measurements: tuple[Measurement, ...]


class Int8Accuracy(Results):
    """What was found on one machine."""

    cases: tuple[Case, ...] = ()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("--case", action="append", nargs=5, required=True,
        metavar=("DATA", "MODEL", "DIR", "SEEN", "UNSEEN"),
        help="names of the data and of the model, the fine-tuned model, the data that it has seen, "
        "and others that it has not")  # fmt: skip
    add("--output", type=Path, default=Path("int8.json"), help="where results are kept")
    add("--write", action="store_true", help=f"write the table into {PAGE.name}")
    given = parser.parse_args()
    results = read_results(given.output, Int8Accuracy, describe_environment(default_threads()))
    for data, model, directory, seen, unseen in given.case:
        if (data, model) not in {(one.data, one.model) for one in results.cases}:
            case = export(data, model, Path(directory), DataOptions(seen, unseen))
            results = results.model_copy(update={"cases": (*results.cases, case)})
            write_results(given.output, results)
    page = f"{table_of(results).markdown()}\n\n{environment_line()}."
    print(page)
    if given.write:
        write_between_marks(PAGE, page, MARKS)


def export(data: str, model: str, directory: Path, source: DataOptions) -> Case:
    """Export a model, which compares it with PyTorch on the unseen rows."""
    with tempfile.TemporaryDirectory() as folder:
        options = ExportOptions(
            directory, Path(folder) / "model.onnx", format=Format.ONNX, precision="int8",
            data=source, threads=default_threads(),
        )  # fmt: skip
        record = export_checkpoint(options, Progress(visible=False)).record
    return Case(
        data=data, model=model, in_float32=record.in_float32, measurements=record.measurements
    )


def table_of(results: Int8Accuracy) -> Table:
    """A row a model, by its main metric."""
    rows = []
    for one in results.cases:
        metric = next(found for found in one.measurements if found.name.startswith("accuracy."))
        apart = (found for found in one.measurements if found.name.startswith("fidelity."))
        rows.append((
            one.data, one.model, kind_of(metric.name), f"{metric.context['n']:,}",
            base_value(metric), slim_value(metric),
            points_of(metric).shown(2, "+").replace("-", "−"),
            next((slim_value(found) for found in apart), NOTHING),
        ))  # fmt: skip
    headers = ("data", "model", "metric", "rows", "float32", "int8", "points", "KL or correlation")
    return Table("lllrrrrr", headers, tuple(rows))


if __name__ == "__main__":
    main()
