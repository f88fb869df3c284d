"""Scores of linear probes, layer by layer."""

from __future__ import annotations

from bertslim.records import Block, Probes
from bertslim.report.analysis_words import BLOCKS, Names
from bertslim.report.svg import IN_PAGE, WIDTH, Drawing, Palette, Point, Scale

_MOST_NUMBERS = 12  # below the axis


def probe_curves(probes: Probes, block: Block, names: Names, colours: Palette = IN_PAGE) -> Drawing:
    """Draw the scores of linear probes at each layer, with 95 % intervals, and their controls."""
    points = [point for point in probes.points if point.site.block == block]
    roles = list(dict.fromkeys(point.model for point in points))
    lines = (
        f"{names[point.model]} layer {point.site.layer}: {point.score:.1%}, "
        f"control {point.control:.1%}"
        for point in points
    )
    title = f"{probes.metric} of linear probes after {BLOCKS[block]}"
    drawing = Drawing(WIDTH, 220, title, "; ".join(lines), colours)
    layers = max(point.site.layer for point in points)
    lowest = min(min(point.low, point.control) for point in points)
    across = Scale(0, layers, 44, WIDTH - 10)
    up = Scale(min(lowest, probes.chance), 1.0, 180, 12)
    drawing.grid(across, up, lambda value: f"{100 * value:.0f} %")
    for layer in range(0, layers + 1, -(-(layers + 1) // _MOST_NUMBERS)):
        drawing.words(across(layer), 195, str(layer), anchor="middle", colour=colours.muted)
    for role in roles:
        colour = colours.of(role)
        own = [point for point in points if point.model == role]
        upper: list[Point] = [(across(point.site.layer), up(point.high)) for point in own]
        lower: list[Point] = [(across(point.site.layer), up(point.low)) for point in own]
        drawing.area([*upper, *reversed(lower)], colour)
        drawing.line(
            [(across(point.site.layer), up(point.score)) for point in own], colour, width=2
        )
        for point in own:
            tip = f"{names[role]}, layer {point.site.layer}: {point.score:.1%}"
            drawing.dot(across(point.site.layer), up(point.score), colour, tip=tip)
    control = [point for point in points if point.model == roles[0]]
    drawing.line(
        [(across(point.site.layer), up(point.control)) for point in control], colours.third
    )
    entries = [(names[role], colours.of(role)) for role in roles]
    drawing.legend(214, [*entries, ("random labels", colours.third)], x=44)
    return drawing
