"""F1 of each class, from where it was to where it is."""

from __future__ import annotations

from collections.abc import Sequence

from bertslim.report.class_figures import ClassFigures, both_values
from bertslim.report.escape import shortened
from bertslim.report.svg import IN_PAGE, ROW, WIDTH, Drawing, Palette, Scale


def class_scores(
    classes: Sequence[ClassFigures], before: str, after: str, colours: Palette = IN_PAGE
) -> Drawing:
    """Draw F1 class by class: from where it was to where it is."""
    height = 20 + ROW * len(classes) + 40
    lines = (f"{one.name}: {both_values(one.f1)}" for one in classes)
    figures = [one for each in classes for one in (each.f1.base, each.f1.slim) if one is not None]
    entries = [(before, colours.base), (after, colours.slim)]
    if all(one.f1.base is None for one in classes):
        entries = entries[1:]
    title = f"F1 of each class, {' and '.join(name for name, _ in entries)}"
    drawing = Drawing(WIDTH, height, title, "; ".join(lines), colours)
    across = Scale(max(0.0, min(figures) - 0.05), 1.0, 130, WIDTH - 16)
    bottom = 8 + ROW * len(classes)
    for value in across.ticks(4):
        x = across(value)
        drawing.line([(x, 4), (x, bottom)], colours.muted, width=0.3)
        drawing.words(x, bottom + 14, f"{100 * value:.0f} %", anchor="middle", colour=colours.muted)
    for number, one in enumerate(classes):
        y = 14 + ROW * number
        drawing.words(122, y + 4, shortened(one.name, 18), anchor="end")
        was, found = one.f1.base, one.f1.slim
        tip = f"{one.name}: {both_values(one.f1)}"
        if was is not None and found is not None:
            drawing.line([(across(was), y), (across(found), y)], colours.muted)
            drawing.dot(across(was), y, colours.base, tip=tip)
        if found is not None:
            drawing.dot(across(found), y, colours.slim, tip=tip)
    drawing.legend(height - 6, entries, x=130)
    return drawing
