"""The sensitivity to each block, as bars."""

from __future__ import annotations

from bertslim.records import Effect, Sensitivity
from bertslim.report.analysis_words import KINDS
from bertslim.report.numbers import significant
from bertslim.report.svg import IN_PAGE, WIDTH, Drawing, Palette, Scale


def sensitivity_bars(sensitivity: Sensitivity, colours: Palette = IN_PAGE) -> Drawing:
    """Draw what the answers lose with each block altered alone, the lowest layer at the bottom."""
    layers = sorted({effect.layer for effect in sensitivity.effects}, reverse=True)
    kinds = [kind for kind in KINDS if sensitivity.of_kind(kind)]
    shades = dict(zip(KINDS, (colours.slim, colours.third, colours.base), strict=True))
    row = 9.0 * len(kinds) + 7
    height = 30 + row * len(layers) + 22
    lines = (
        f"layer {effect.layer} {KINDS[effect.kind]}: {significant(effect.damage, 2)}"
        for effect in sensitivity.effects
    )
    title = f"Damage of altering each block alone ({sensitivity.measure})"
    drawing = Drawing(WIDTH, height, title, "; ".join(lines), colours)
    most = max((effect.high or effect.damage for effect in sensitivity.effects), default=1.0)
    across = Scale(0, most, 30, WIDTH - 46)
    by_block = {(effect.layer, effect.kind): effect for effect in sensitivity.effects}
    for number, layer in enumerate(layers):
        y = 18 + row * number
        drawing.words(22, y + row / 2 + 1, str(layer), anchor="end", colour=colours.muted)
        for place, kind in enumerate(kinds):
            if (effect := by_block.get((layer, kind))) is not None:
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
