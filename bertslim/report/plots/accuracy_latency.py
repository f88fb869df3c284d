"""Models by latency and quality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bertslim.printable import shortened
from bertslim.records import Role
from bertslim.records.units import Metric
from bertslim.report.numbers import quantity
from bertslim.report.svg import IN_PAGE, WIDTH, Drawing, Palette, Scale

_HEIGHT = 230.0


@dataclass(frozen=True)
class Place:
    """A model among others.

    Attributes:
        name: What it is called.
        time: What a call takes.
        score: How good it is.
        role: Which of the colours it has.
    """

    name: str
    time: float
    score: float
    role: Role


@dataclass(frozen=True)
class Axes:
    """The metric and the unit of time of a picture.

    Attributes:
        metric: What a score is, which rises to 1.
        time: What a time is, such as "ms a call at 1x128".
    """

    metric: Metric
    time: str

    def written(self, score: float) -> str:
        """Write a score with its unit."""
        return quantity(score, self.metric.unit.notation(score))

    def describe(self, place: Place) -> str:
        """Write where a model is."""
        return f"{place.name}: {place.time:.3g} {self.time}, {self.written(place.score)}"


def accuracy_latency(places: Sequence[Place], axes: Axes, colours: Palette = IN_PAGE) -> Drawing:
    """Draw models by latency and quality: up and to the left is better."""
    drawing = Drawing(
        WIDTH,
        _HEIGHT,
        f"{axes.metric.words} and {axes.time}",
        "; ".join(map(axes.describe, places)),
        colours,
    )
    scores = [place.score for place in places]
    margin = max(0.01, (max(scores) - min(scores)) / 4)
    across = Scale(0, max(place.time for place in places) * 1.1, 50, WIDTH - 10)
    up = Scale(max(0.0, min(scores) - margin), min(1.0, max(scores) + margin), 180, 26)
    drawing.words(0, 11, f"{axes.metric.words}; up and to the left is better", colour=colours.muted)
    drawing.grid(across, up, axes.written, most=4)
    for value in across.ticks():
        drawing.words(across(value), 195, f"{value:g}", anchor="middle", colour=colours.muted)
    drawing.words(across.end, 211, axes.time, anchor="end", colour=colours.muted)
    for place in places:
        _place(drawing, place, across(place.time), up(place.score), axes)
    return drawing


def _place(drawing: Drawing, place: Place, x: float, y: float, axes: Axes) -> None:
    drawing.dot(x, y, drawing.colours.of(place.role), tip=axes.describe(place), radius=5)
    name = shortened(place.name, 28)
    if x > WIDTH * 0.6:
        drawing.words(x - 8, y - 6, name, anchor="end")
    else:
        drawing.words(x + 8, y - 6, name)
