"""CKA between layers, as a map of shades."""

from __future__ import annotations

from bertslim.records import CkaMatrix
from bertslim.report.analysis_words import BLOCKS, Names, two_digits
from bertslim.report.svg import IN_PAGE, WIDTH, Drawing, Palette

_DARKEST = 0.55  # of the colour, so that words on it can be read on light and dark pages


def heat_map(matrix: CkaMatrix, names: Names, colours: Palette = IN_PAGE) -> Drawing:
    """Draw CKA between layers, the lowest at the bottom left."""
    rows, columns = len(matrix.values), len(matrix.values[0])
    side = min(26.0, (WIDTH - 60) / columns)
    height = 30 + side * rows + 30
    pair = f"{names[matrix.rows]} and {names[matrix.columns]}"
    title = f"CKA between layers of {pair}, after {BLOCKS[matrix.block]}"
    lines = (
        f"layer {number}: " + ", ".join(map(two_digits, row))
        for number, row in enumerate(matrix.values)
    )
    drawing = Drawing(WIDTH, height, title, "; ".join(lines), colours)
    drawing.words(0, 12, f"layer of the {names[matrix.rows]}", colour=colours.muted)
    left, top = 28.0, 22.0
    for number, row in enumerate(matrix.values):
        y = top + side * (rows - 1 - number)
        drawing.words(left - 6, y + side / 2 + 4, str(number), anchor="end", colour=colours.muted)
        for column, value in enumerate(row):
            x = left + side * column
            tip = f"{number} and {column}: {two_digits(value)}"
            shade = _DARKEST * max(0.0, value or 0.0)
            drawing.rectangle(x, y, side - 1, side - 1, colours.slim, opacity=shade, tip=tip)
            if side >= 22:
                shown = two_digits(value).removeprefix("0")
                drawing.words(x + side / 2 - 0.5, y + side / 2 + 3, shown, anchor="middle", size=9)
    for column in range(columns):
        x = left + side * (column + 0.5)
        drawing.words(x, top + side * rows + 12, str(column), anchor="middle", colour=colours.muted)
    words = f"layer of the {names[matrix.columns]}"
    drawing.words(left, top + side * rows + 27, words, colour=colours.muted)
    return drawing
