"""Drawings as SVG: a few shapes and words, in colours that the page or the file decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Literal

from bertslim.printable import printable, shortened
from bertslim.records import Role

Anchor = Literal["start", "middle", "end"]
Point = tuple[float, float]

FONT_SIZE = 11
WIDTH = 400.0  # of a picture that fits a phone
ROW = 18.0
_MARGIN = 16.0
_LONGEST_TITLE = 64  # characters
_RING = 8  # around a dot, in units
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"


@dataclass(frozen=True)
class Palette:
    """Colours by what they are for.

    Attributes:
        ink: Words and axes.
        muted: Words of less weight, grid lines.
        faint: What is not there any more.
        paper: The background.
        base: The base.
        slim: The slim model.
        third: What is neither.
    """

    ink: str
    muted: str
    faint: str
    paper: str
    base: str
    slim: str
    third: str

    def of(self, role: Role) -> str:
        """Return the colour of one of two models."""
        return self.base if role == "base" else self.slim


IN_PAGE = Palette(
    *(f"var(--{name})" for name in ("ink", "muted", "faint", "paper", "base", "slim", "third"))
)
ON_PAPER = Palette("#1f2328", "#59636e", "#d1d9e0", "#ffffff", "#59636e", "#0a5dc2", "#b34700")


@dataclass
class Drawing:
    """An SVG in the making.

    Args:
        width: In units of which a word of FONT_SIZE is 11 high.
        height: In the same.
        title: What it is, for those who cannot see it.
        description: What it shows, for the same.
        colours: Whose they are.
    """

    width: float
    height: float
    title: str
    description: str
    colours: Palette = IN_PAGE
    _parts: list[str] = field(default_factory=list)

    def rectangle(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: str,
        *,
        opacity: float = 1.0,
        stroke: str | None = None,
        tip: str | None = None,
    ) -> None:
        """Draw a rectangle; `tip` is shown where the pointer rests on it."""
        outline = f' stroke="{stroke}" stroke-dasharray="3 2"' if stroke else ""
        box = (
            f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(max(width, 0))}" height="{_n(height)}" '
            f'fill="{fill}" fill-opacity="{_n(opacity)}"{outline}'
        )
        self._parts.append(f"{box}>{_title(tip)}</rect>" if tip else f"{box}/>")

    def line(self, points: Sequence[Point], colour: str, *, width: float = 1.0) -> None:
        """Draw a line through points."""
        path = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
        self._parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{_n(width)}"/>'
        )

    def area(self, points: Sequence[Point], colour: str) -> None:
        """Fill what points enclose, lightly."""
        path = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
        self._parts.append(f'<polygon points="{path}" fill="{colour}" fill-opacity="0.18"/>')

    def dot(self, x: float, y: float, colour: str, *, tip: str, radius: float = 3.5) -> None:
        """Draw a dot; a ring that is not seen makes it easy to point at."""
        self._parts.append(
            f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}" fill="{colour}" stroke="#000" '
            f'stroke-opacity="0" stroke-width="{_RING}">'
            f"{_title(tip)}</circle>"
        )

    def words(
        self,
        x: float,
        y: float,
        text: str,
        *,
        colour: str | None = None,
        anchor: Anchor = "start",
        size: float = FONT_SIZE,
    ) -> None:
        """Write a line of text whose base line begins, lies about or ends at a point."""
        self._parts.append(
            f'<text x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}" font-size="{_n(size)}" '
            f'fill="{colour or self.colours.ink}">{_safe(text)}</text>'
        )

    def grid(
        self, across: Scale, up: Scale, shown: Callable[[float], str], *, most: int = 5
    ) -> None:
        """Draw a thin line at each round figure, and the figure beside it."""
        for value in up.ticks(most):
            y, ends = up(value), (across.start, across.end)
            self.line([(x, y) for x in ends], self.colours.muted, width=0.3)
            beside = across.start - 6
            self.words(beside, y + 4, shown(value), anchor="end", colour=self.colours.muted)

    def legend(self, y: float, entries: Sequence[tuple[str, str]], *, x: float = 0) -> None:
        """Draw a legend: pairs of a word and its colour."""
        for text, colour in entries:
            self.rectangle(x, y - 8, 9, 9, colour)
            self.words(x + 13, y, text)
            x += 13 + 6.2 * len(text) + 14

    def framed(self) -> Drawing:
        """Return the drawing on paper of its own, with its title above it and a margin around."""
        width, height = self.width + 2 * _MARGIN, self.height + 3 * _MARGIN
        frame = Drawing(width, height, self.title, self.description, self.colours)
        frame.rectangle(0, 0, width, height, self.colours.paper)
        frame.words(_MARGIN, 1.4 * _MARGIN, shortened(self.title, _LONGEST_TITLE))
        inner = "".join(self._parts)
        frame._parts.append(
            f'<g transform="translate({_n(_MARGIN)} {_n(2 * _MARGIN)})">{inner}</g>'
        )
        return frame

    def markup(self) -> str:
        """Return the SVG element."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(self.width)} '
            f'{_n(self.height)}" role="img" aria-label="{_safe(self.title)}" '
            f'font-family="{_FONT}"><title>{_safe(self.title)}</title>'
            f"<desc>{_safe(self.description)}</desc>{''.join(self._parts)}</svg>"
        )


@dataclass(frozen=True)
class Scale:
    """How figures become places: from `low` at `start` to `high` at `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the place of a figure."""
        span = self.high - self.low or 1.0
        return self.start + (value - self.low) / span * (self.end - self.start)

    def ticks(self, most: int = 5) -> Iterator[float]:
        """Yield round figures between the ends."""
        step = _round_step((self.high - self.low) / most)
        first = -(-self.low // step)
        for number in range(most + 2):  # beside large figures, small steps add nothing
            if (value := (first + number) * step) <= self.high + step * 1e-9:
                yield value


def _round_step(rough: float) -> float:
    """Return the next of 1, 2, 5, 10, 20 …"""
    if rough <= 0:
        return 1.0
    power = 10.0
    while power > rough:
        power /= 10
    while power * 10 <= rough:
        power *= 10
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)


def _title(text: str) -> str:
    return f"<title>{_safe(text)}</title>"


def _safe(text: str) -> str:
    """Make text stand for itself, in elements and in attributes."""
    return escape(printable(text))


def _n(value: float) -> str:
    """Write a number as short as a picture needs it."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
