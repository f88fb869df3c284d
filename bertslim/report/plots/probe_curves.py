"""What linear probes read from layer to layer."""

from __future__ import annotations

from collections.abc import Callable

from bertslim.records import Block, Probes
from bertslim.report.analysis_words import BLOCKS, Names
from bertslim.report.svg import IN_PAGE, WIDTH, Drawing, Palette, Point, Scale


def probe_curves(probes: Probes, block: Block, names: Names, colours: Palette = IN_PAGE) -> Drawing:
    """Draw what linear probes read from each layer, with 95 % intervals, and their controls."""
    points = [one for one in probes.points if one.site.block == block]
    roles = list(dict.fromkeys(one.model for one in points))
    lines = (
        f"{names[one.model]} layer {one.site.layer}: {one.score:.1%}, control {one.control:.1%}"
        for one in points
    )
    title = f"{probes.metric} of linear probes behind {BLOCKS[block]}"
    drawing = Drawing(WIDTH, 220, title, "; ".join(lines), colours)
    layers = max(one.site.layer for one in points)
    lowest = min(min(one.low, one.control) for one in points)
    across = Scale(0, layers, 44, WIDTH - 10)
    up = Scale(min(lowest, probes.chance), 1.0, 180, 12)
    _axes(drawing, across, up, layers, lambda value: f"{100 * value:.0f} %")
    for role in roles:
        colour = colours.base if role == "base" else colours.slim
        own = [one for one in points if one.model == role]
        upper: list[Point] = [(across(one.site.layer), up(one.high)) for one in own]
        lower: list[Point] = [(across(one.site.layer), up(one.low)) for one in own]
        drawing.area([*upper, *reversed(lower)], colour)
        drawing.line([(across(one.site.layer), up(one.score)) for one in own], colour, width=2)
        for one in own:
            tip = f"{names[role]}, layer {one.site.layer}: {one.score:.1%}"
            drawing.dot(across(one.site.layer), up(one.score), colour, tip=tip)
    control = [one for one in points if one.model == roles[0]]
    drawing.line([(across(one.site.layer), up(one.control)) for one in control], colours.third)
    entries = [(names[role], colours.base if role == "base" else colours.slim) for role in roles]
    drawing.legend(214, [*entries, ("random labels", colours.third)], x=44)
    return drawing


def _axes(
    drawing: Drawing, across: Scale, up: Scale, layers: int, shown: Callable[[float], str]
) -> None:
    for value in up.ticks():
        drawing.line([(across.start, up(value)), (across.end, up(value))], drawing.colours.muted,
                     width=0.3)  # fmt: skip
        drawing.words(across.start - 6, up(value) + 4, shown(value), anchor="end",
                      colour=drawing.colours.muted)  # fmt: skip
    step = -(-(layers + 1) // 12)
    for layer in range(0, layers + 1, step):
        drawing.words(
            across(layer), up.start + 15, str(layer), anchor="middle", colour=drawing.colours.muted
        )
