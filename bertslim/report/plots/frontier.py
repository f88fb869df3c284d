"""What a search found, by time and damage."""

from __future__ import annotations

from bertslim.records import Frontier, FrontierPoint, ShippedPoint
from bertslim.report.numbers import significant
from bertslim.report.svg import IN_PAGE, WIDTH, Drawing, Palette, Scale

_HEIGHT = 250.0


def frontier_drawing(frontier: Frontier, colours: Palette = IN_PAGE) -> Drawing:
    """Draw points by time and damage: down and to the left is better.

    What was only predicted is faint; a line joins what was made, the base at its end. Shipped
    recipes stand beside it. What was only predicted on fewer texts than others is left out: its
    damage cannot be compared with theirs.
    """
    points = [one for one in frontier.points if one.solved or one.texts == frontier.most_texts]
    base_ms = frontier.table.base_ms
    title = f"{frontier.measure} and time in {frontier.table.runtime}"
    said = "; ".join(
        [
            *(_in_words(point, base_ms) for point in points),
            *(_shipped_in_words(point, base_ms) for point in frontier.shipped),
        ]
    )
    drawing = Drawing(WIDTH, _HEIGHT, title, said, colours)
    damages = [*map(_damage, points), *(point.solved.damage for point in frontier.shipped)]
    most = max(damages, default=1.0)
    across = Scale(0.0, 1.05, 50, WIDTH - 10)
    up = Scale(0.0, most * 1.1 or 1.0, 200, 26)
    drawing.words(
        0, 11, f"{frontier.measure}; down and to the left is better", colour=colours.muted
    )
    drawing.grid(across, up, lambda value: significant(value, 2), most=4)
    for value in across.ticks():
        drawing.words(across(value), 215, f"{value:g}", anchor="middle", colour=colours.muted)
    drawing.words(across.end, 231, "time, the base's being 1", anchor="end", colour=colours.muted)
    made = sorted((point for point in points if point.solved), key=lambda point: point.ms)
    line = [(across(point.ms / base_ms), up(_damage(point))) for point in made]
    drawing.line([*line, (across(1.0), up(0.0))], colours.slim)
    for point in points:
        _dot(drawing, point, frontier, across, up)
    for shipped in frontier.shipped:
        x, y = across(min(shipped.solved.ms / base_ms, across.high)), up(shipped.solved.damage)
        drawing.dot(x, y, colours.ink, tip=_shipped_in_words(shipped, base_ms), radius=4)
    drawing.dot(across(1.0), up(0.0), colours.base, tip="base", radius=5)
    entries = [("made", colours.slim), ("predicted", colours.muted), ("chosen", colours.third)]
    if frontier.shipped:
        entries.append(("shipped recipe", colours.ink))
    drawing.legend(_HEIGHT - 6, [*entries, ("base", colours.base)], x=50)
    return drawing


def _dot(
    drawing: Drawing, point: FrontierPoint, frontier: Frontier, across: Scale, up: Scale
) -> None:
    colours, base_ms = drawing.colours, frontier.table.base_ms
    x, y, tip = across(point.ms / base_ms), up(_damage(point)), _in_words(point, base_ms)
    if point.solved is None:
        drawing.dot(x, y, colours.muted, tip=tip, radius=2.5)
        return
    chosen = point.name == frontier.chosen
    colour = colours.third if chosen else colours.slim
    if (interval := point.solved.interval) is not None:
        ends = (min(max(end, across.low), across.high) for end in (interval.low, interval.high))
        drawing.line([(across(end), y) for end in ends], colour)
    drawing.dot(x, y, colour, tip=tip, radius=5)


def _damage(point: FrontierPoint) -> float:
    return point.solved.damage if point.solved else point.damage


def _in_words(point: FrontierPoint, base_ms: float) -> str:
    kind = "made" if point.solved else "predicted"
    share, damage = point.ms / base_ms, significant(_damage(point), 2)
    return f"{point.name}, {kind}: {share:.2f} of the time, {damage}"


def _shipped_in_words(point: ShippedPoint, base_ms: float) -> str:
    share, damage = point.solved.ms / base_ms, significant(point.solved.damage, 2)
    return f"{point.name}, shipped: {share:.2f} of the time, {damage}"
