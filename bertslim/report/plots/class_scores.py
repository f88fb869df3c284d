"""F1 of each class, before and after."""

from __future__ import annotations

from collections.abc import Sequence

from bertslim.printable import shortened
from bertslim.report.class_figures import ClassFigures, both_values
from bertslim.report.svg import IN_PAGE, ROW, WIDTH, Drawing, Palette, Scale


def class_scores(
    classes: Sequence[ClassFigures], before: str, after: str, colours: Palette = IN_PAGE
) -> Drawing:
    """Draw F1 class by class, before and after."""
    height = 20 + ROW * len(classes) + 40
    lines = (f"{figures.name}: {both_values(figures.f1)}" for figures in classes)
    scores = [
        score
        for figures in classes
        for score in (figures.f1.base, figures.f1.slim)
        if score is not None
    ]
    entries = [(before, colours.base), (after, colours.slim)]
    if all(figures.f1.base is None for figures in classes):
        entries = entries[1:]
    title = f"F1 of each class, {' and '.join(name for name, _ in entries)}"
    drawing = Drawing(WIDTH, height, title, "; ".join(lines), colours)
    across = Scale(max(0.0, min(scores) - 0.05), 1.0, 130, WIDTH - 16)
    bottom = 8 + ROW * len(classes)
    for value in across.ticks(4):
        x = across(value)
        drawing.line([(x, 4), (x, bottom)], colours.muted, width=0.3)
        drawing.words(x, bottom + 14, f"{100 * value:.0f} %", anchor="middle", colour=colours.muted)
    for number, figures in enumerate(classes):
        y = 14 + ROW * number
        drawing.words(122, y + 4, shortened(figures.name, 18), anchor="end")
        base, slim = figures.f1.base, figures.f1.slim
        tip = f"{figures.name}: {both_values(figures.f1)}"
        if base is not None and slim is not None:
            drawing.line([(across(base), y), (across(slim), y)], colours.muted)
            drawing.dot(across(base), y, colours.base, tip=tip)
        if slim is not None:
            drawing.dot(across(slim), y, colours.slim, tip=tip)
    drawing.legend(height - 6, entries, x=130)
    return drawing
