"""The tables and the picture of docs/repair.md, from what the repair benchmark has measured."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from benchmarks.repair.cases import SST2, Case
from benchmarks.repair.cuts import SAMPLES, TOP_LAYERS, Candidate, Cut
from benchmarks.repair.results import Cost, Document, Result, Timing
from benchmarks.tools import (
    ACCENT,
    INK,
    MARKS,
    MUTED,
    OTHER,
    ROOT,
    UNKNOWN,
    Figure,
    average,
    drawing_tools,
    ends,
    points_of,
    ratio_of,
    save_picture,
    write_between_marks,
)
from bertslim.records import Environment, Measurement

PAGE = Path("docs/repair.md")
PICTURE = Path("docs/images/repair.svg")
MARKS_OF_SECTIONS = {
    "results": MARKS,
    "refined": ("<!-- refined -->", "<!-- end of refined -->"),
    "other tasks": ("<!-- other tasks -->", "<!-- end of other tasks -->"),
}


@dataclass(frozen=True)
class Entry:
    """What is known of one way to carry out one cut on one base."""

    case: Case
    cut: Cut
    candidate: Candidate
    result: Result
    timing: Timing | None

    def fidelity(self, rows: str) -> Measurement:
        """KL to the base, or the cosine of bare encoders."""
        name = "fidelity.kl" if self.case.facts.head else "fidelity.cosine"
        return self.result.one(rows, name)

    def score(self, rows: str) -> Measurement:
        """The score that is reported, of base and slim model."""
        return self.result.one(rows, self.case.score)


def points(entry: Entry, rows: str) -> Figure:
    """Return the paired difference to the base in points: hundredths of the score."""
    return points_of(entry.score(rows))


def fidelity(entry: Entry, rows: str) -> Figure:
    """Return KL to the base in nats, or the cosine of bare encoders."""
    found = entry.fidelity(rows)
    assert found.slim is not None
    return Figure(found.slim, *ends(found))


def mean(entries: Sequence[Entry], rows: str, figure: Callable[[Entry, str], Figure]) -> Figure:
    """Average a figure over bases."""
    return average([figure(entry, rows) for entry in entries])


def markdown(entries: Sequence[Entry], document: Document) -> str:
    """Write a table for each group of bases, what a repair costs, and what all was measured on."""
    parts = []
    for _, of_group in groupby(entries, key=lambda entry: entry.case.group):
        parts += _section(list(of_group))
    if document.costs:
        parts.append("\n".join(_cost_table(document.costs)))
    timed = any(entry.timing for entry in entries)
    parts.append(_environment_note(document.environment, timed=timed))
    return "\n\n".join(parts)


def _section(entries: Sequence[Entry]) -> list[str]:
    first = entries[0].case
    bases = len({entry.case.name for entry in entries})
    sets = list(first.held)
    measure = "KL, nats" if first.facts.head else "cosine"
    titles = [f"{what}, {name}" for name in sets for what in (measure, "points")]
    timed = any(entry.timing for entry in entries)
    titles = ["latency"] * timed + titles
    table = [
        f"| cut | made up for by | {' | '.join(titles)} |",
        f"|---|---|{'--:|' * len(titles)}",
        *(_row(each, bases, timed=timed) for each in _lines(entries)),
    ]
    return [f"### {first.title}", _base_note(entries, sets, bases), "\n".join(table)]


def _lines(entries: Sequence[Entry]) -> Iterable[list[Entry]]:
    """Put what the bases of a group have to say about one way to cut together, in table order."""
    lines: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        lines.setdefault((entry.cut.name, entry.candidate.method), []).append(entry)
    order = {cut: place for place, (cut, _) in reversed(list(enumerate(lines)))}
    return [lines[key] for key in sorted(lines, key=lambda key: order[key[0]])]


def _row(entries: Sequence[Entry], bases: int, *, timed: bool) -> str:
    first = entries[0]
    cells = [first.cut.title, _method(entries, bases)]
    if timed:
        cells.append(_latency(first.timing))
    for rows in first.case.held:
        cells.append(mean(entries, rows, fidelity).shown(3))
        cells.append(mean(entries, rows, points).shown(2, "+"))
    return f"| {' | '.join(cells)} |"


def _method(entries: Sequence[Entry], bases: int) -> str:
    title = entries[0].candidate.title
    title = f"**{title}**" if entries[0].candidate.repairs else title
    return title if len(entries) == bases else f"{title} (on {len(entries)} of {bases} bases)"


def _latency(timing: Timing | None) -> str:
    if timing is None or timing.latency.ratio is None:
        return UNKNOWN
    return ratio_of(timing.latency).shown(2)


def _base_note(entries: Sequence[Entry], sets: Sequence[str], bases: int) -> str:
    scores = []
    for rows in sets:
        by_base = {entry.case.name: entry.score(rows) for entry in entries}
        before = 100 * statistics.fmean(score.base or 0 for score in by_base.values())
        count = next(iter(by_base.values())).context["n"]
        scores.append(f"{before:.2f} on {rows} ({count:,} rows)")
    whose = f"Means of {bases} bases, which score" if bases > 1 else "The base scores"
    return f"{whose} {', '.join(scores)}."


def _cost_table(costs: Sequence[Cost]) -> list[str]:
    return [
        f"### Cost of a repair from {SAMPLES:,} texts",
        "",
        "| cut | made up for by | forward pass of the base, s | repair, s "
        "| ratio | peak memory, ratio |",
        "|---|---|--:|--:|--:|--:|",
        *(
            f"| {cost.cut} | {cost.method} | {cost.seconds.base:.1f} | {cost.seconds.slim:.1f} "
            f"| {ratio_of(cost.seconds).shown(2)} | {ratio_of(cost.peak).shown(2)} |"
            for cost in costs
        ),
    ]


def _environment_note(environment: Environment, *, timed: bool) -> str:
    latency = "Latency is slim / base at 8x128 in float32. " if timed else ""
    return (
        f"{latency}Points are hundredths of the score, slim less "
        "base, resampled in pairs. All intervals are of 95 %; of several bases their ends are "
        "averaged, too. "
        f"{environment.cpu}, {environment.threads} threads, torch {environment.versions['torch']}, "
        f"transformers {environment.versions['transformers']}."
    )


def write_page(page: str, section: str) -> None:
    """Put the tables between the marks of a section of the guide; "results" has a picture, too."""
    if section == "results":
        where = PICTURE.relative_to(PAGE.parent)
        page = f"![What each cut loses, by what makes up for it]({where})\n\n{page}"
    write_between_marks(ROOT / PAGE, page, MARKS_OF_SECTIONS[section])


def draw(entries: Sequence[Entry]) -> None:
    """Draw a row a cut of the SST-2 bases: KL on the left, points on the right, a mark a method.

    Dropped layers lose so much that the others could not be told apart: they are in the table only.
    """
    drawn = [entry for entry in entries if entry.case.group == SST2]
    lines = list(_lines([entry for entry in drawn if entry.candidate.method != TOP_LAYERS]))
    if not lines:
        sys.exit("nothing to draw: no base of SST-2 was measured")
    rows = next(iter(lines[0][0].case.held))
    cuts = list(dict.fromkeys(line[0].cut.title for line in lines))
    plt = drawing_tools()
    figure, (left, right) = plt.subplots(
        ncols=2, sharey=True, figsize=(8.6, 0.7 * len(cuts) + 1.2), layout="constrained"
    )
    named: set[str] = set()
    for axes, what, title in (
        (left, fidelity, f"KL to the base, {rows} rows, nats"),
        (right, points, "accuracy, points to the base"),
    ):
        axes.axvline(0, color=INK, linewidth=1)
        axes.set_xlabel(title)
        axes.grid(axis="x", color="#d0d7de", linewidth=0.5)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
        for line in lines:
            mark = _mark(line[0].candidate)
            found = mean(line, rows, what)
            y = cuts.index(line[0].cut.title) + mark.shift
            label = None if mark.label in named else mark.label
            named.add(mark.label)
            axes.plot([found.low, found.high], [y, y], color=mark.color, linewidth=1)
            axes.plot(
                found.value, y, marker=mark.shape, color=mark.color, linestyle="", label=label
            )
    left.set_yticks(range(len(cuts)), cuts)
    left.invert_yaxis()
    figure.legend(loc="outside upper center", ncols=len(named), frameon=False, fontsize=9)
    save_picture(figure, ROOT / PICTURE)


@dataclass(frozen=True)
class Mark:
    """How a method is drawn: its place above or below the middle of the row, shape and colour."""

    label: str
    shift: float
    shape: str
    color: str


MARKS_OF_METHODS = {
    "none": Mark("no repair", -0.08, "o", MUTED),
    "tp_magnitude": Mark("Torch-Pruning, magnitude", 0.08, "v", OTHER),
    "tp_taylor": Mark("Torch-Pruning, Taylor", 0.24, "^", OTHER),
}
REPAIRED = Mark("repaired", -0.24, "o", ACCENT)
REFINED = Mark("repaired and refined", -0.32, "D", ACCENT)


def _mark(candidate: Candidate) -> Mark:
    if candidate.refines:
        return REFINED
    return REPAIRED if candidate.repairs else MARKS_OF_METHODS[candidate.method]
