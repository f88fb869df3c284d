"""What a few minutes of training save beside the repair, on the bases of the repair benchmark.

Classifiers that `bases.py` fine-tuned are cut; then repaired, or repaired and trained with the base
as teacher, or trained so without repair, or repaired and trained on labels alone. All are measured
in float32 against the base on held-out rows. Every figure goes to the file of results as soon as it
is there, so that a run that was interrupted goes on where it was. With --write the table goes
between the marks in docs/retraining.md.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import torch

import bertslim
from benchmarks.repair.cases import SST2, Case, add_data_options, cases
from benchmarks.repair.cuts import RECIPE_NAME, SAMPLES, Candidate
from benchmarks.repair.page import Entry, fidelity, mean, points
from benchmarks.repair.results import Result, Store
from benchmarks.tools import ROOT, UNKNOWN, Figure, average, write_between_marks
from bertslim.measure.environment import default_threads, describe_environment
from bertslim.recipe.schema import Recipe

PAGE = Path("docs/retraining.md")
TEACHER = "teacher"
UNREPAIRED = "unrepaired_teacher"
LABELS_ALONE = {"logits": 0.0, "hidden": 0.0, "labels": 1.0}
RECONSTRUCT = {"samples": SAMPLES}


Lines = dict[tuple[str, str], list[Entry]]
"""What is known of each way, by the title of the cut and the method."""


@dataclass(frozen=True)
class Trained:
    """One cut, with and without what is solved for it.

    Attributes:
        name: For the command line.
        title: For the table.
        solved: The step whose keys `reconstruct` solves.
        plain: The same step without them.
    """

    name: str
    title: str
    solved: dict[str, Any]
    plain: dict[str, Any]


def _drop(layers: str) -> tuple[dict[str, Any], dict[str, Any]]:
    plain = {"op": "drop_ffn", "layers": layers}
    return {**plain, "fill": "linear"}, plain


def _narrow(width: float) -> tuple[dict[str, Any], dict[str, Any]]:
    plain = {"op": "resize_ffn", "layers": "all", "width": width}
    return {**plain, "criterion": "fisher"}, plain


CUTS = (
    Trained("drop_odd", "odd FFN deleted, linear fill", *_drop("odd")),
    Trained("quarter_all", "all FFN to 1/4", *_narrow(0.25)),
    Trained("drop_all", "all FFN deleted, linear fill", *_drop("all")),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add_data_options(parser)
    add("--output", type=Path, default=Path("retraining.json"), help="default: %(default)s")
    add("--only", nargs="+", metavar="CASE/CUT/METHOD", default=["*"],
        help="patterns such as 'sst2-s0/drop_odd/*'; default: all")  # fmt: skip
    add("--minutes", type=float, default=3.0, help="of each training; default: %(default)s")
    add("--quick", type=int, metavar="ROWS", help="the first so many rows of a set")
    add("--threads", type=int, default=default_threads(), help="default: all cores")
    add("--write", action="store_true", help="update docs/retraining.md")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    store = Store(arguments.output, describe_environment(arguments.threads))
    with tempfile.TemporaryDirectory() as scratch:
        found = [one for one in cases(arguments, Path(scratch)) if one.group == SST2]
        for case in found:
            measure(store, case, arguments)
        entries = [entry for case in found for entry in known(store, case, arguments.minutes)]
    page = markdown(entries, store, arguments.minutes)
    print(page)
    if arguments.write:
        write_between_marks(ROOT / PAGE, page)


def candidates(cut: Trained, minutes: float) -> Iterator[Candidate]:
    """Return the ways to make up for a cut."""
    trained, labels = {"minutes": minutes}, {"minutes": minutes, "distill": LABELS_ALONE}
    yield Candidate("none", "no repair", _recipe(cut.plain))
    yield Candidate("repaired", "repaired", _recipe(cut.solved, reconstruct=RECONSTRUCT))
    yield Candidate(
        TEACHER,
        "repaired, then trained with the base as teacher",
        _recipe(cut.solved, reconstruct=RECONSTRUCT, retrain=trained),
    )
    yield Candidate(
        UNREPAIRED,
        "trained so without repair",
        _recipe(cut.plain, retrain=trained),
    )
    yield Candidate(
        "labels",
        "repaired, then trained on labels alone",
        _recipe(cut.solved, reconstruct=RECONSTRUCT, retrain=labels),
    )


def _recipe(step: dict[str, Any], **sections: Any) -> Recipe:
    found = {"version": 1, "name": RECIPE_NAME, "surgery": [step], **sections}
    return Recipe.model_validate(found)


def measure(store: Store, case: Case, arguments: argparse.Namespace) -> None:
    """Measure what is not known yet."""
    for cut in CUTS:
        for candidate in candidates(cut, arguments.minutes):
            name, request = f"{case.name}/{cut.name}/{candidate.method}", case.request(candidate)
            wanted = any(fnmatch(name, pattern) for pattern in arguments.only)
            if not wanted or store.result(request) is not None:
                continue
            made = case.cut(candidate)
            judged = case.measure(bertslim.load(made.directory))
            training = made.record.training
            store.add(
                Result(request=request, repair_seconds=None, measurements=judged, training=training)
            )
            print(f"{name}: measured", file=sys.stderr, flush=True)
    case.close()


def known(store: Store, case: Case, minutes: float) -> Iterator[tuple[Trained, Entry]]:
    """Return a line for each way to make up for each cut, as far as it was measured."""
    for cut in CUTS:
        for candidate in candidates(cut, minutes):
            result = store.result(case.request(candidate))
            if result is not None:
                yield cut, Entry(case, case.cuts[0], candidate, result, None)


def markdown(entries: Sequence[tuple[Trained, Entry]], store: Store, minutes: float) -> str:
    """Write a table, a row a cut and way, and what it was measured on."""
    lines: Lines = {}
    for cut, entry in entries:
        lines.setdefault((cut.title, entry.candidate.method), []).append(entry)
    order = [(cut.title, one.method) for cut in CUTS for one in candidates(cut, minutes)]
    sets = list(entries[0][1].case.held)
    heads = [f"{what}, {name}" for name in sets for what in ("KL, nats", "points")]
    heads.append("points, all rows")
    bases = len({entry.case.name for _, entry in entries})
    table = [
        f"| cut | made up for by | {' | '.join(heads)} | steps | worse than its start |",
        f"|---|---|{'--:|' * len(heads)}--:|--:|",
        *(_row(key, lines, bases) for key in order if key in lines),
    ]
    return "\n".join([*table, "", _note(entries, store, minutes)])


def _row(key: tuple[str, str], lines: Lines, bases: int) -> str:
    entries = lines[key]
    title = entries[0].candidate.title
    part = "" if len(entries) == bases else f" (on {len(entries)} of {bases} bases)"
    cells = [key[0], f"{title}{part}"]
    for rows in entries[0].case.held:
        cells += [mean(entries, rows, fidelity).shown(3), mean(entries, rows, points).shown(2, "+")]
    cells.append(_over_all_rows(entries).shown(2, "+"))
    steps = [one.result.training.steps for one in entries if one.result.training]
    cells.append(f"{statistics.fmean(steps):,.0f}" if steps else UNKNOWN)
    cells.append(_worse(key, entries, lines) if steps else UNKNOWN)
    return f"| {' | '.join(cells)} |"


def _over_all_rows(entries: Sequence[Entry]) -> Figure:
    """Average the points over the rows of all sets."""
    held = entries[0].case.held
    counts = [float(entries[0].score(rows).context["n"]) for rows in held]
    return average([mean(entries, rows, points) for rows in held], counts)


def _worse(key: tuple[str, str], entries: Sequence[Entry], lines: Lines) -> str:
    """Count on how many sets of how many bases a training lost beyond the paired interval."""
    start = "none" if key[1] == UNREPAIRED else "repaired"
    before = {one.case.name: one for one in lines.get((key[0], start), [])}
    pairs = [
        (points(before[one.case.name], rows), points(one, rows))
        for one in entries
        if one.case.name in before
        for rows in one.case.held
    ]
    lost = sum(after.high < was.value for was, after in pairs)
    return f"{lost} of {len(pairs)}" if pairs else UNKNOWN


def _note(entries: Sequence[tuple[Trained, Entry]], store: Store, minutes: float) -> str:
    environment, first = store.document.environment, entries[0][1]
    sets = ", ".join(f"{first.score(rows).context['n']:,} rows {rows}" for rows in first.case.held)
    bases = len({entry.case.name for _, entry in entries})
    return (
        f"all-MiniLM-L6-v2 fine-tuned on SST-2, means of {bases} bases, {minutes:g} minutes each; "
        f"{sets}. Points are hundredths of accuracy, slim less base, resampled in pairs; of "
        "several bases or sets the ends of the 95 % intervals are averaged, too. Worse than its "
        "start: how often the whole interval lies below the points that training began with, of "
        f"all bases and sets. {environment.cpu}, {environment.threads} threads, "
        f"torch {environment.versions['torch']}, "
        f"transformers {environment.versions['transformers']}."
    )


if __name__ == "__main__":
    main()
