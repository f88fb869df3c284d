"""The pictures of a report: each is a function from what was found to a drawing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bertslim.records import Block, CkaMatrix, Effect, Probes, Role, Sensitivity
from bertslim.records import LayerPlan, Plan
from bertslim.report.analysis_words import BLOCKS, KINDS, two_digits
from bertslim.report.numbers import significant
from bertslim.report.svg import IN_PAGE, Drawing, Palette, Point, Scale

WIDTH = 400.0
_ROW = 18.0
_ROLES: dict[Role, str] = {"base": "base", "slim": "slim"}


@dataclass(frozen=True)
class Place:
    """A model among others, by how fast and how good it is.

    Attributes:
        name: What it is called.
        latency: Milliseconds a call.
        score: The main metric.
        role: Which of the colours it has.
    """

    name: str
    latency: float
    score: float
    role: Role


def layers_drawing(plan: Plan, colours: Palette = IN_PAGE) -> Drawing:
    """Draw the model layer by layer, the lowest at the bottom: what was there, and what is left."""
    height = 34 + _ROW * len(plan.layers) + 8
    drawing = Drawing(
        WIDTH,
        height,
        "The model, layer by layer",
        "; ".join(_in_words(row) for row in plan.layers),
        colours,
    )
    heads = max((row.before.heads for row in plan.layers), default=1) or 1
    neurons = max((row.before.intermediate_size for row in plan.layers), default=1) or 1
    drawing.words(48, 12, "attention heads", colour=colours.muted)
    drawing.words(150, 12, "FFN neurons", colour=colours.muted)
    for number, row in enumerate(reversed(plan.layers)):
        y = 20 + _ROW * number
        drawing.words(36, y + 11, str(row.layer), anchor="end", colour=colours.muted)
        after = row.after
        _bar(drawing, 48, y, 84 / heads, row.before.heads, after.heads if after else 0)
        left = after.intermediate_size if after else 0
        _bar(drawing, 150, y, 190 / neurons, row.before.intermediate_size, left)
        drawing.words(WIDTH, y + 11, _short(row), anchor="end", size=10, colour=colours.ink)
    drawing.legend(height - 6, [("left", colours.slim), ("taken out", colours.faint)], x=48)
    return drawing


def _bar(drawing: Drawing, x: float, y: float, unit: float, before: int, after: int) -> None:
    """Draw what is left on what was there."""
    tip = f"{after:,} of {before:,}"
    drawing.rectangle(x, y, unit * before, 14, drawing.colours.faint, tip=tip)
    drawing.rectangle(x, y, unit * after, 14, drawing.colours.slim, opacity=0.85, tip=tip)


def _short(row: LayerPlan) -> str:
    if row.after is None:
        return "layer gone"
    if row.after.linear_rank and not row.after.intermediate_size:
        return "linear"
    if row.before.intermediate_size and not row.after.intermediate_size:
        return "no FFN"
    return f"{row.after.intermediate_size:,}"


def _in_words(row: LayerPlan) -> str:
    if row.after is None:
        return f"layer {row.layer}: gone"
    return (
        f"layer {row.layer}: {row.after.heads} of {row.before.heads} heads, "
        f"{row.after.intermediate_size} of {row.before.intermediate_size} neurons"
    )


def heat_map(matrix: CkaMatrix, colours: Palette = IN_PAGE) -> Drawing:
    """Draw CKA between layers, the lowest at the bottom left."""
    rows, columns = len(matrix.values), len(matrix.values[0])
    side = min(26.0, (WIDTH - 60) / columns)
    height = 30 + side * rows + 30
    names = f"{_ROLES[matrix.rows]} and {_ROLES[matrix.columns]}"
    title = f"CKA between layers of {names}, behind {BLOCKS[matrix.block]}"
    lines = (
        f"layer {number}: " + ", ".join(map(two_digits, row))
        for number, row in enumerate(matrix.values)
    )
    drawing = Drawing(WIDTH, height, title, "; ".join(lines), colours)
    drawing.words(0, 12, f"layer of the {_ROLES[matrix.rows]}", colour=colours.muted)
    left, top = 28.0, 22.0
    for number, row in enumerate(matrix.values):
        y = top + side * (rows - 1 - number)
        drawing.words(left - 6, y + side / 2 + 4, str(number), anchor="end", colour=colours.muted)
        for column, value in enumerate(row):
            x = left + side * column
            tip = f"{number} and {column}: {two_digits(value)}"
            shade = max(0.0, value or 0.0)
            drawing.rectangle(x, y, side - 1, side - 1, colours.slim, opacity=shade, tip=tip)
            if side >= 22:
                ink = colours.paper if shade > 0.55 else colours.ink
                shown = two_digits(value).removeprefix("0")
                drawing.words(
                    x + side / 2 - 0.5, y + side / 2 + 3, shown, anchor="middle", size=9, colour=ink
                )
    for column in range(columns):
        x = left + side * (column + 0.5)
        drawing.words(x, top + side * rows + 12, str(column), anchor="middle", colour=colours.muted)
    words = f"layer of the {_ROLES[matrix.columns]}"
    drawing.words(left, top + side * rows + 27, words, colour=colours.muted)
    return drawing


def probe_curves(probes: Probes, block: Block, colours: Palette = IN_PAGE) -> Drawing:
    """Draw what linear probes read from each layer, with 95 % intervals, and their controls."""
    points = [one for one in probes.points if one.site.block == block]
    roles = list(dict.fromkeys(one.model for one in points))
    lines = (
        f"{_ROLES[one.model]} layer {one.site.layer}: {one.score:.1%}, control {one.control:.1%}"
        for one in points
    )
    title = f"{probes.metric} of linear probes behind {BLOCKS[block]}"
    drawing = Drawing(WIDTH, 220, title, "; ".join(lines), colours)
    layers = max(one.site.layer for one in points)
    lowest = min(min(one.low, one.control) for one in points)
    across = Scale(0, layers, 44, WIDTH - 10)
    up = Scale(min(lowest, probes.chance), 1.0, 180, 12)
    _axes(drawing, across, up, layers, lambda value: f"{value:.0%}")
    for role in roles:
        colour = colours.base if role == "base" else colours.slim
        own = [one for one in points if one.model == role]
        upper: list[Point] = [(across(one.site.layer), up(one.high)) for one in own]
        lower: list[Point] = [(across(one.site.layer), up(one.low)) for one in own]
        drawing.area([*upper, *reversed(lower)], colour)
        drawing.line([(across(one.site.layer), up(one.score)) for one in own], colour, width=2)
        for one in own:
            tip = f"{_ROLES[role]}, layer {one.site.layer}: {one.score:.1%}"
            drawing.dot(across(one.site.layer), up(one.score), colour, tip=tip)
    control = [one for one in points if one.model == roles[0]]
    drawing.line([(across(one.site.layer), up(one.control)) for one in control], colours.third)
    entries = [(_ROLES[role], colours.base if role == "base" else colours.slim) for role in roles]
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


def sensitivity_bars(sensitivity: Sensitivity, colours: Palette = IN_PAGE) -> Drawing:
    """Draw what the answers lose with each block altered alone, the lowest layer at the bottom."""
    layers = sorted({one.layer for one in sensitivity.effects}, reverse=True)
    kinds = [kind for kind in KINDS if sensitivity.of_kind(kind)]
    shades = dict(zip(KINDS, (colours.slim, colours.third, colours.base), strict=True))
    row = 9.0 * len(kinds) + 7
    height = 30 + row * len(layers) + 22
    lines = (
        f"layer {one.layer} {KINDS[one.kind]}: {significant(one.damage, 2)}"
        for one in sensitivity.effects
    )
    title = f"Damage of altering each block alone ({sensitivity.measure})"
    drawing = Drawing(WIDTH, height, title, "; ".join(lines), colours)
    most = max((one.high or one.damage for one in sensitivity.effects), default=1.0)
    across = Scale(0, most, 30, WIDTH - 46)
    found = {(one.layer, one.kind): one for one in sensitivity.effects}
    for number, layer in enumerate(layers):
        y = 18 + row * number
        drawing.words(22, y + row / 2 + 1, str(layer), anchor="end", colour=colours.muted)
        for place, kind in enumerate(kinds):
            if (effect := found.get((layer, kind))) is not None:
                _effect_bar(drawing, effect, across, y + 9 * place, shades[kind])
    drawing.legend(height - 6, [(KINDS[kind], shades[kind]) for kind in kinds], x=30)
    drawing.words(0, 11, f"layer; {sensitivity.measure}", colour=colours.muted)
    return drawing


def _effect_bar(drawing: Drawing, effect: Effect, across: Scale, y: float, colour: str) -> None:
    shown = significant(effect.damage, 2)
    tip = f"layer {effect.layer} {KINDS[effect.kind]}: {shown}"
    end = across(effect.damage)
    drawing.rectangle(across.start, y, end - across.start, 7, colour, opacity=0.85, tip=tip)
    if effect.low is not None and effect.high is not None:
        ink = drawing.colours.ink
        drawing.line([(across(effect.low), y + 3.5), (across(effect.high), y + 3.5)], ink)
        end = across(effect.high)
    drawing.words(end + 4, y + 7, shown, size=9, colour=drawing.colours.muted)


def accuracy_latency(
    places: Sequence[Place], metric: str, shape: str, colours: Palette = IN_PAGE
) -> Drawing:
    """Draw models by latency and by how good they are: up and to the left is better."""
    lines = (f"{one.name}: {one.latency:.3g} ms, {one.score:.1%}" for one in places)
    title = f"{metric} and latency at {shape}"
    drawing = Drawing(WIDTH, 230, title, "; ".join(lines), colours)
    scores = [one.score for one in places]
    margin = max(0.01, (max(scores) - min(scores)) / 4)
    across = Scale(0, max(one.latency for one in places) * 1.1, 50, WIDTH - 10)
    up = Scale(max(0.0, min(scores) - margin), min(1.0, max(scores) + margin), 180, 14)
    for value in up.ticks(4):
        drawing.line([(across.start, up(value)), (across.end, up(value))], colours.muted, width=0.3)
        drawing.words(
            across.start - 6, up(value) + 4, f"{value:.1%}", anchor="end", colour=colours.muted
        )
    for value in across.ticks():
        drawing.words(across(value), 195, f"{value:g}", anchor="middle", colour=colours.muted)
    drawing.words(across.end, 211, f"ms a call at {shape}", anchor="end", colour=colours.muted)
    for one in places:
        colour = colours.base if one.role == "base" else colours.slim
        x, y = across(one.latency), up(one.score)
        drawing.dot(
            x, y, colour, tip=f"{one.name}: {one.latency:.3g} ms, {one.score:.1%}", radius=5
        )
        right = x > WIDTH * 0.6
        drawing.words(
            x - 8 if right else x + 8, y - 6, one.name[:28], anchor="end" if right else "start"
        )
    return drawing
