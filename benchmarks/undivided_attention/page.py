"""Tables and picture of docs/undivided-attention.md, from what its benchmark has measured."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.tools import (
    ACCENT,
    INK,
    MUTED,
    OTHER,
    ROOT,
    UNKNOWN,
    Figure,
    average,
    drawing_tools,
    points_of,
    ratio_of,
    save_picture,
    write_between_marks,
)
from benchmarks.undivided_attention.results import (
    KEPT,
    METHODS,
    PAPER,
    REPAIRED_FIRST,
    TRAINED_AFTER,
    Document,
    Kept,
    Method,
    Point,
)

PAGE = Path("docs/undivided-attention.md")
PICTURE = Path("docs/images/undivided-attention.svg")
STYLES = {
    PAPER.name: (OTHER, "v"),
    REPAIRED_FIRST.name: (MUTED, "s"),
    TRAINED_AFTER.name: (ACCENT, "o"),
}


@dataclass(frozen=True)
class Line:
    """What is known of one way to so many FFN blocks, of one encoder, over tasks and seeds."""

    kept: Kept
    method: Method
    points: tuple[Point, ...]
    latency: Figure
    """Slim / base."""
    seconds: float
    """Time from the encoder to the models, over that of the whole ones."""

    @property
    def parameters(self) -> float:
        """Slim / base."""
        return statistics.fmean(point.parameters.ratio or 1 for point in self.points)

    @property
    def macs(self) -> float:
        """Multiply-accumulates of the training, over those of the whole ones."""
        points = self.points
        return sum(one.macs for one in points) / sum(one.whole.macs for one in points)

    @property
    def tasks(self) -> list[str]:
        """Those that it was measured on."""
        return list(dict.fromkeys(point.key.task for point in self.points))

    def points_of(self, task: str) -> Figure | None:
        """Return the difference to the whole model in points: hundredths of the score."""
        found = [points_of(point.score) for point in self.points if point.key.task == task]
        return average(found) if found else None


def markdown(document: Document) -> str:
    """Write a table an encoder, what it says of the paper's claims, and what it was measured on."""
    parts = []
    for encoder in _encoders(document.points):
        points = [point for point in document.points if point.key.encoder == encoder]
        lines = list(_lines(points, document))
        parts += [f"### {encoder}", _table(points, lines), _claims(lines)]
    return "\n\n".join([*parts, _note(document)])


def _lines(points: Sequence[Point], document: Document) -> Iterator[Line]:
    for kept in KEPT:
        for method in METHODS:
            wanted = kept.name, method.name
            found = tuple(one for one in points if (one.key.kept, one.key.method) == wanted)
            if found:
                encoder = found[0].key.encoder
                latency = document.latency(encoder, kept.name, filled=method != PAPER)
                assert latency is not None
                seconds = sum(document.seconds(one) for one in found)
                whole = sum(one.whole.seconds for one in found)
                yield Line(kept, method, found, ratio_of(latency), seconds / whole)


def _table(points: Sequence[Point], lines: Sequence[Line]) -> str:
    tasks = _tasks(points)
    heads = "".join(f"{task} ({_seeds(points, task)}) | " for task in tasks)
    whole = "".join(f"{_whole_score(points, task):.1f} | " for task in tasks)
    return "\n".join([
        f"| FFN blocks in | way | parameters | latency | {heads}training time | training MACs |",
        f"|---|---|--:|--:|{'--:|' * len(tasks)}--:|--:|",
        f"| every layer | fine-tuned | {_parameters(points)} | 1 | {whole}1 | 1 |",
        *(_row(line, tasks) for line in lines),
    ])  # fmt: skip


def _row(line: Line, tasks: Sequence[str]) -> str:
    found = [line.points_of(task) for task in tasks]
    cells = [
        line.kept.title,
        line.method.title,
        f"{line.parameters - 1:+.1%}",
        line.latency.shown(2),
        *(UNKNOWN if one is None else one.shown(1, "+") for one in found),
        f"{line.seconds:.2f}",
        f"{line.macs:.2f}",
    ]
    return f"| {' | '.join(cells)} |"


def _claims(lines: Sequence[Line]) -> str:
    """Say what became of the paper's three claims."""
    papers = [line for line in lines if line.method == PAPER]
    losses = "; ".join(f"{line.kept.title} {_loss(line)}" for line in papers)
    parameters = ", ".join(f"{line.kept.title} {line.parameters - 1:+.0%}" for line in papers)
    times = ", ".join(f"{line.kept.title} {line.seconds - 1:+.0%}" for line in papers)
    macs = ", ".join(f"{line.macs - 1:+.0%}" for line in papers)
    return "\n".join([
        f"- **Little is lost?** FFN blocks left in {losses}.",
        f"- **Fewer parameters:** {parameters}, embeddings included.",
        f"- **Less training time:** {times}; of the multiply-accumulates {macs}.",
    ])  # fmt: skip


def _loss(line: Line) -> str:
    by_task = {task: line.points_of(task) for task in line.tasks}
    found = {task: figure.value for task, figure in by_task.items() if figure}
    worst = min(found, key=lambda task: found[task])
    mean = statistics.fmean(found.values())
    return f"{mean:+.1f} points on average, {found[worst]:+.1f} on {worst}"


def _note(document: Document) -> str:
    points, environment = document.points, document.environment
    counts = ", ".join(
        f"{task} {one.whole.sequences:,} and {one.score.context['n']:,}"
        for task, one in ((task, _of_task(points, task)[0]) for task in _tasks(points))
    )
    shape = document.latencies[0].measurement.context
    minutes = next(
        (
            one.training.settings["minutes"]
            for one in points
            if one.key.method == TRAINED_AFTER.name
        ),
        0.0,
    )
    return (
        "Scores are hundredths of accuracy (pydocs, SST-2), of Spearman's correlation (STS-B) and "
        "of span F1 (WNUT-17): those of the whole model, then the difference to it, resampled in "
        "pairs; with several seeds the means, of the ends of the 95 % intervals, too, which leave "
        "out what seeds add. Sequences that the whole model was fine-tuned on, counted as often as "
        f"they were seen, and held-out rows: {counts}. Latency is slim / base at "
        f"{shape['batch']}x{shape['length']}, {shape['dtype']}. Training time is seconds of "
        "everything from the encoder on, over those of the whole model, each measured once a "
        f"seed; the training after a cut is {minutes:g} min of it. {environment.cpu}, "
        f"{environment.threads} threads, training in {points[0].whole.dtype}, torch "
        f"{environment.versions['torch']}, transformers {environment.versions['transformers']}."
    )


def write_page(page: str) -> None:
    """Put the picture and the tables between the marks of the guide."""
    picture = f"![Score and latency by way and FFN blocks]({PICTURE.relative_to(PAGE.parent)})"
    write_between_marks(ROOT / PAGE, f"{picture}\n\n{page}")


def draw(document: Document) -> None:
    """Draw score over latency, a panel a task, a row of panels an encoder."""
    plt = drawing_tools()
    points = document.points
    encoders, tasks = _encoders(points), _tasks(points)
    figure, panels = plt.subplots(
        len(encoders), len(tasks), squeeze=False, sharex=True, layout="constrained",
        figsize=(2.4 * len(tasks) + 0.6, 2.6 * len(encoders) + 0.8),
    )  # fmt: skip
    for row, encoder in zip(panels, encoders, strict=True):
        row[0].set_ylabel(f"{encoder}\npoints to the whole model")
        for axes, task in zip(row, tasks, strict=True):
            found = [one for one in _of_task(points, task) if one.key.encoder == encoder]
            axes.set_title(task, fontsize=10)
            axes.set_visible(bool(found))
            _draw_panel(axes, list(_lines(found, document)), task)
    for axes in panels[-1]:
        axes.set_xlabel("latency, slim / base")
    by_title = {
        label: handle
        for axes in panels.flat
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        by_title.values(), by_title, loc="outside upper center", ncols=len(by_title),
        frameon=False, fontsize=9,
    )  # fmt: skip
    save_picture(figure, ROOT / PICTURE)


def _draw_panel(axes: Any, lines: Sequence[Line], task: str) -> None:
    """Draw a way by a line from the whole model to ever fewer FFN blocks."""
    axes.axhline(0, color=INK, linewidth=1)
    axes.grid(color="#d0d7de", linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    for method in METHODS:
        found = [
            (line.latency.value, score)
            for line in lines
            if line.method == method and (score := line.points_of(task)) is not None
        ]
        if not found:
            continue
        color, marker = STYLES[method.name]
        x, scores = zip(*found, strict=True)
        axes.plot(
            [1.0, *x], [0.0, *(score.value for score in scores)],
            color=color, marker=marker, linewidth=1, label=method.title,
        )  # fmt: skip
        axes.vlines(
            x, [score.low for score in scores], [score.high for score in scores],
            color=color, linewidth=0.8, alpha=0.6,
        )  # fmt: skip


def _encoders(points: Sequence[Point]) -> list[str]:
    return list(dict.fromkeys(point.key.encoder for point in points))


def _tasks(points: Sequence[Point]) -> list[str]:
    return list(dict.fromkeys(point.key.task for point in points))


def _of_task(points: Sequence[Point], task: str) -> list[Point]:
    return [point for point in points if point.key.task == task]


def _seeds(points: Sequence[Point], task: str) -> str:
    count = len({point.key.seed for point in _of_task(points, task)})
    return "1 seed" if count == 1 else f"{count} seeds"


def _whole_score(points: Sequence[Point], task: str) -> float:
    by_seed = {point.key.seed: point.score.base or 0 for point in _of_task(points, task)}
    return 100 * statistics.fmean(by_seed.values())


def _parameters(points: Sequence[Point]) -> str:
    return f"{(points[0].parameters.base or 0) / 1e6:.1f} M"
