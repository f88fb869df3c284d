"""Write what `bertslim bench --alternatives` found into the page of alternatives.

Of each model the form that is fastest at the first shape is shown, and the whole model also as it
comes: in PyTorch.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.tools import ROOT, UNKNOWN, Figure, environment_line, points_of, write_between_marks
from bertslim.records import Alternatives, BenchResult, ServedModel, Timing
from bertslim.records.sources import shown_source
from bertslim.report.measurement_text import kind_of
from bertslim.report.tables import Table

PAGE = ROOT / "docs" / "bench.md"
MARKS = "<!-- alternatives -->", "<!-- end of alternatives -->"
MOST_ROWS = 8


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("result", type=Path, help="what `bertslim bench --alternatives --json` printed")
    add("--write", action="store_true", help="write the table into the page")
    add("--page", type=Path, default=PAGE, help="default: %(default)s")
    given = parser.parse_args(arguments)
    result = BenchResult.model_validate_json(given.result.read_text(encoding="utf-8"))
    if result.alternatives is None:
        parser.error(f"{given.result} was not made with --alternatives")
    page = content(result, result.alternatives)
    print(page)
    if given.write:
        write_between_marks(given.page, page, MARKS)


def content(result: BenchResult, alternatives: Alternatives) -> str:
    """Return the table, what is in it, and where it was measured."""
    shown = best_forms(result, alternatives)[:MOST_ROWS]
    return f"{table_of(result, shown).markdown()}\n\n{footnote(result, alternatives)}"


def best_forms(result: BenchResult, alternatives: Alternatives) -> list[ServedModel]:
    """Return the whole model in PyTorch, and of each model the form that is fastest."""
    whole, *others = alternatives.served
    fastest: dict[str, ServedModel] = {}
    for served in others:
        best = fastest.setdefault(served.model, served)
        if median_ms(result, served) < median_ms(result, best):
            fastest[served.model] = served
    return [whole, *fastest.values()]


def median_ms(result: BenchResult, served: ServedModel) -> float:
    """Return the median at the first shape; one that was not timed comes last."""
    timed = timings_of(result, served)
    return timed[0].median_ms if timed else float("inf")


def timings_of(result: BenchResult, served: ServedModel) -> list[Timing]:
    """Return the times of a model in its form, shape by shape."""
    form = served.model, served.runtime, served.dtype
    return [one for one in result.timings if (one.model, one.runtime, one.dtype) == form]


def table_of(result: BenchResult, shown: Sequence[ServedModel]) -> Table:
    """Compare models with the first one."""
    shapes = tuple(f"{one.batch}x{one.length}" for one in timings_of(result, shown[0]))
    metric = kind_of(shown[0].score.name)
    headers = "model", "runtime", "in", "MB", *shapes, metric, "difference, points"
    return Table(
        "lll" + "r" * (len(shapes) + 3),
        headers,
        tuple(row(result, served, shapes) for served in shown),
    )


def row(result: BenchResult, served: ServedModel, shapes: Sequence[str]) -> tuple[str, ...]:
    """Write a model's size, times and score."""
    timed = {f"{one.batch}x{one.length}": one for one in timings_of(result, served)}
    times = (time(timed[shape]) if shape in timed else UNKNOWN for shape in shapes)
    score = served.score
    assert score.slim is not None
    points = "0" if score.base is None else points_of(score).shown(2, "+")
    size = f"{served.size / 1e6:.1f}"
    return served.model, served.runtime, served.dtype, size, *times, f"{score.slim:.2%}", points


def time(timing: Timing) -> str:
    """Write the median, and how many times as fast as the first model it is."""
    ratio = timing.to_first
    if ratio is None:
        return f"{timing.median_ms:.2f} ms"
    ends = 1 / ratio.interval.high, 1 / ratio.interval.low
    return f"{timing.median_ms:.2f} ms, {Figure(1 / ratio.ratio, *ends).shown(1)} x"


def footnote(result: BenchResult, alternatives: Alternatives) -> str:
    """Say what was compared, how each model was made, and where it was measured."""
    return "\n".join(sentences(result, alternatives))


def sentences(result: BenchResult, alternatives: Alternatives) -> Iterator[str]:
    data = alternatives.data
    source = shown_source(data.report_source or data.source)
    first = alternatives.served[0]
    yield (
        f"Medians, and how many times as fast as {first.model} in {first.runtime}, with 95 % "
        f"intervals over {result.launches} launches; scored on {alternatives.scored:,} held-out "
        f"rows of {source}."
    )
    yield from (f"{model.name}: {model.made}." for model in alternatives.models)
    here = result.environment
    yield f"{here.threads} threads. {environment_line(here)}."


if __name__ == "__main__":
    main()
