"""The model layer by layer, with what was cut."""

from __future__ import annotations

from bertslim.records import LayerPlan, Plan
from bertslim.report.svg import IN_PAGE, ROW, WIDTH, Drawing, Palette


def layers_drawing(plan: Plan, colours: Palette = IN_PAGE) -> Drawing:
    """Draw the model layer by layer, the lowest at the bottom: the base, and what is left."""
    height = 34 + ROW * len(plan.layers) + 8
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
        y = 20 + ROW * number
        drawing.words(36, y + 11, str(row.layer), anchor="end", colour=colours.muted)
        after = row.after
        _bar(drawing, 48, y, 84 / heads, row.before.heads, after.heads if after else 0)
        left = after.intermediate_size if after else 0
        _bar(drawing, 150, y, 190 / neurons, row.before.intermediate_size, left)
        drawing.words(WIDTH, y + 11, _short(row), anchor="end", size=10, colour=colours.ink)
    drawing.legend(height - 6, [("left", colours.slim), ("taken out", colours.faint)], x=48)
    return drawing


def _bar(drawing: Drawing, x: float, y: float, unit: float, before: int, after: int) -> None:
    """Draw what is left over the base."""
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
