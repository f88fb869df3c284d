"""The tables and pictures of docs/search.md that the search benchmark writes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from benchmarks.search.results import Quality, Store, Time
from benchmarks.search.rivals import FEWER, FOUND, RANDOM, SHIPPED, SMALLER, UNIFORM, Rival
from benchmarks.tools import (
    ACCENT,
    INK,
    MUTED,
    OTHER,
    ROOT,
    drawing_tools,
    environment_line,
    points_of,
    save_picture,
    write_between_marks,
)
from bertslim.arrays import FloatArray
from bertslim.records import Frontier
from bertslim.report.tables import Table

LOW, HIGH = 0.3, 0.9  # of the base's time, that curves are compared between
_STEPS = 601
_MARKS = {
    FOUND: ("o", ACCENT),
    RANDOM: ("x", OTHER),
    UNIFORM: ("s", INK),
    SHIPPED: ("D", OTHER),
    FEWER: ("v", MUTED),
    SMALLER: ("*", OTHER),
}


@dataclass(frozen=True)
class Line:
    """What is known of a rival."""

    rival: Rival
    quality: Quality
    time: Time


def lines_of(rivals: Sequence[Rival], store: Store) -> list[Line]:
    """Return what is known, from the fastest."""
    known = (
        (rival, store.quality(rival.key), store.time(rival.key)) for rival in dict.fromkeys(rivals)
    )
    lines = [Line(rival, quality, time) for rival, quality, time in known if quality and time]
    return sorted(lines, key=lambda line: line.time.ratio)


def markdown(rivals: Sequence[Rival], store: Store, frontier: Frontier, title: str) -> str:
    """Write the tables: all models, and how far the curves of the groups are apart."""
    lines = lines_of(rivals, store)
    headers = ("chosen by", "model", "time", "KL, nats", "points", "parameters")
    table = Table("llrrrr", headers, tuple(map(_row, lines)))
    parts = [table.markdown(), _note(lines, store, frontier, title)]
    untrained = [line for line in lines if not line.rival.is_trained]
    parts.append(agreement(untrained, frontier))
    compared = [
        (group, apart)
        for group in (RANDOM, UNIFORM, SHIPPED, FEWER)
        if (apart := times_the_loss(untrained, group)) is not None
    ]
    if compared:
        rows = [(group, f"{apart.ratio:.2f}", apart.share) for group, apart in compared]
        titles = ("other models", "KL beside that of search", "of the times between")
        parts.append(Table("lrr", titles, tuple(rows)).markdown())
    return "\n\n".join(parts)


def _row(line: Line) -> tuple[str, ...]:
    return (
        line.rival.group,
        line.rival.name,
        f"{line.time.ratio:.3f}",
        f"{line.quality.kl:.4f}",
        points_of(line.quality.score).shown(2, "+"),
        f"{line.quality.parameters:,}",
    )


def _note(lines: Sequence[Line], store: Store, frontier: Frontier, title: str) -> str:
    score, table = lines[0].quality.score, frontier.table
    name = score.name.removeprefix("accuracy.").replace("_", " ")
    return (
        f"{title}, which has {name} {100 * (score.base or 0):.2f} on {score.context['n']:,} rows "
        f"that no model has seen. Time: the fastest call beside the base's in {table.runtime} "
        f"at {table.batch}x{table.length}, {table.threads} threads; points with 95 % intervals. "
        f"{frontier.evaluations:,} configurations were tried. "
        f"{environment_line(store.document.environment)}."
    )


def agreement(lines: Sequence[Line], frontier: Frontier) -> str:
    """Say how near what a search goes by comes to what its models take and lose.

    Args:
        lines: All models; those of the search are compared with the points of their name.
        frontier: What the search predicted, and lost where it put models together from blocks.
    """
    points = {point.name: point for point in frontier.points}
    known = [(points[line.rival.name], line) for line in lines if line.rival.group == FOUND]
    off = [
        line.time.ratio * frontier.table.base_ms / point.predicted_ms - 1 for point, line in known
    ]
    ranks = spearmanr([point.damage for point, _ in known], [line.quality.kl for _, line in known])
    low, middle, high = np.percentile(off, [0, 50, 100])
    return (
        f"The {len(known)} models of the search took {100 * low:+.1f} to {100 * high:+.1f} % more "
        f"than predicted, {100 * middle:+.1f} % at the median. Between what they lose as they are "
        f"put together from blocks, and as they are repaired from the bottom up, Spearman's "
        f"correlation is {ranks.statistic:.2f}."
    )


@dataclass(frozen=True)
class Apart:
    """How far two curves are apart.

    Attributes:
        ratio: What a group loses beside the search, at the same time: the geometric mean over
            times.
        share: The times that both curves have.
    """

    ratio: float
    share: str


def times_the_loss(lines: Sequence[Line], group: str) -> Apart | None:
    """Compare the curve of a group with that of the search.

    The area between both curves, of the logarithm of KL over time, divided by its width. A curve
    goes straight from each model to the next slower one that loses less than all faster ones.

    Args:
        lines: Models.
        group: Which of them to compare.

    Returns:
        None: there is no time from LOW to HIGH of the base's that both curves have.
    """
    curves = [
        _curve([line for line in lines if line.rival.group == name]) for name in (FOUND, group)
    ]
    if not all(curve.times for curve in curves):
        return None
    low = max(LOW, *(curve.times[0] for curve in curves))
    high = min(HIGH, *(curve.times[-1] for curve in curves))
    if low > high:
        return None
    of_search, of_group = (curve.at(np.linspace(low, high, _STEPS)) for curve in curves)
    ratio = math.exp(float(np.mean(of_group - of_search)))
    return Apart(ratio, f"{low:.2f} to {high:.2f}")


@dataclass(frozen=True)
class Curve:
    """The models of a group that no other one of it is both faster and better than.

    Attributes:
        times: Of these models, from the fastest.
        losses: The logarithm of the KL of each.
    """

    times: tuple[float, ...]
    losses: tuple[float, ...]

    def at(self, times: FloatArray) -> FloatArray:
        """Return the logarithm of KL at some times between the first and the last."""
        return np.asarray(np.interp(times, self.times, self.losses))


def _curve(lines: Sequence[Line]) -> Curve:
    best: list[Line] = []
    for line in sorted(lines, key=lambda line: (line.time.ratio, line.quality.kl)):
        if not best or line.quality.kl < best[-1].quality.kl:
            best.append(line)
    return Curve(
        tuple(line.time.ratio for line in best),
        tuple(math.log(line.quality.kl) for line in best),
    )


def write_page(section: str, page: str, rivals: Sequence[Rival], store: Store) -> None:
    """Put tables and picture between the marks of a section of docs/search.md."""
    picture = Path(f"docs/images/search-{section}.svg")
    link = f"![KL and time of each model]({picture.relative_to('docs')})"
    marks = (f"<!-- {section} -->", f"<!-- end of {section} -->")
    write_between_marks(ROOT / "docs/search.md", f"{link}\n\n{page}", marks)
    _draw(lines_of(rivals, store), ROOT / picture)


def _draw(lines: Sequence[Line], path: Path) -> None:
    """Draw KL over time, both in logarithms, a mark for each group; trained ones are hollow."""
    plt = drawing_tools()
    figure, axes = plt.subplots(figsize=(7.6, 4.4), layout="constrained")
    for group, (mark, color) in _MARKS.items():
        of_group = [line for line in lines if line.rival.group == group]
        for trained in (False, True):
            some = [line for line in of_group if line.rival.is_trained == trained]
            if not some:
                continue
            axes.plot(
                [line.time.ratio for line in some],
                [line.quality.kl for line in some],
                marker=mark,
                color=color,
                markerfacecolor="white" if trained else color,
                linestyle="-" if group == FOUND and not trained else "",
                linewidth=1,
                label=f"{group}, trained" if trained else group,
            )
    axes.set_yscale("log")
    axes.set_xlabel("time of a call beside the base's")
    axes.set_ylabel("KL to the base, nats")
    axes.grid(color="#d0d7de", linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)
    save_picture(figure, path)
