"""What linear probes read from layer to layer."""

from __future__ import annotations

from bertslim.records import Block, Probes
from bertslim.report.analysis_words import BLOCKS, Names
from bertslim.report.svg import IN_PAGE, WIDTH, Drawing, Palette, Point, Scale

_MOST_NUMBERS = 12  # below the axis


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
    drawing.grid(across, up, lambda value: f"{100 * value:.0f} %")
    for layer in range(0, layers + 1, -(-(layers + 1) // _MOST_NUMBERS)):
        drawing.words(across(layer), 195, str(layer), anchor="middle", colour=colours.muted)
    for role in roles:
        colour = colours.of(role)
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
    entries = [(names[role], colours.of(role)) for role in roles]
    drawing.legend(214, [*entries, ("random labels", colours.third)], x=44)
    return drawing
