"""F1 of each class, from where it was to where it is."""

from __future__ import annotations

from collections.abc import Sequence

from bertslim.report.classes import ClassFigures
from bertslim.report.escape import shortened
from bertslim.report.figures import from_to
from bertslim.report.svg import IN_PAGE, ROW, WIDTH, Drawing, Palette, Scale


def class_scores(
    classes: Sequence[ClassFigures], before: str, after: str, colours: Palette = IN_PAGE
) -> Drawing:
    """Draw F1 class by class: from where it was to where it is."""
    height = 20 + ROW * len(classes) + 40
    lines = (f"{one.name}: {from_to(one.f1)}" for one in classes)
    title = f"F1 of each class, {before} and {after}"
    drawing = Drawing(WIDTH, height, title, "; ".join(lines), colours)
    lowest = min(min(one.f1.base or 0.0, one.f1.slim or 0.0) for one in classes)
    across = Scale(max(0.0, lowest - 0.05), 1.0, 130, WIDTH - 16)
    bottom = 8 + ROW * len(classes)
    for value in across.ticks(4):
        x = across(value)
        drawing.line([(x, 4), (x, bottom)], colours.muted, width=0.3)
        drawing.words(x, bottom + 14, f"{100 * value:.0f} %", anchor="middle", colour=colours.muted)
    for number, one in enumerate(classes):
        y = 14 + ROW * number
        drawing.words(122, y + 4, shortened(one.name, 18), anchor="end")
        was, found = one.f1.base, one.f1.slim
        tip = f"{one.name}: {from_to(one.f1)}"
        if was is not None and found is not None:
            drawing.line([(across(was), y), (across(found), y)], colours.muted)
            drawing.dot(across(was), y, colours.base, tip=tip)
        if found is not None:
            drawing.dot(across(found), y, colours.slim, tip=tip)
    drawing.legend(height - 6, [(before, colours.base), (after, colours.slim)], x=130)
    return drawing
