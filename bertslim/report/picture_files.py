"""Pictures as files: SVG, which scales, and PNG, which goes anywhere."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from bertslim.errors import OutputError
from bertslim.report.section import Picture
from bertslim.report.svg import ON_PAPER, Drawing

_PIXELS_A_UNIT = 3
# resvg does not ask fontconfig which font is meant by sans-serif
_SANS_SERIF = ("Arial", "Helvetica", "Liberation Sans", "DejaVu Sans", "Noto Sans", "Ubuntu")


def write_pictures(pictures: Iterable[Picture], folder: Path) -> None:
    """Write each picture twice, `NAME.svg` and `NAME.png`, framed and on white paper.

    Raises:
        OutputError: There is no font for the words of a PNG.
    """
    for picture in pictures:
        folder.mkdir(exist_ok=True)
        svg = picture.draw(ON_PAPER).framed().markup()
        (folder / f"{picture.name}.svg").write_text(svg, encoding="utf-8")
        (folder / f"{picture.name}.png").write_bytes(_png(svg, folder))


def _png(svg: str, folder: Path) -> bytes:
    family = _font_family()
    if family is None:
        raise OutputError(
            "no fonts on this machine to write PNG files with",
            where=str(folder),
            remedy="install some, such as fonts-dejavu, or leave out --output",
        )
    return _rendered(svg, family, zoom=_PIXELS_A_UNIT)


def _rendered(svg: str, family: str, *, zoom: int = 1) -> bytes:
    from resvg_py import svg_to_bytes

    return bytes(svg_to_bytes(svg_string=svg, zoom=zoom, sans_serif_family=family))


@cache
def _font_family() -> str | None:
    """Return a font that words are drawn in: without one they are left out without a word."""
    drawing = Drawing(20, 20, "", "", ON_PAPER)
    blank = _rendered(drawing.markup(), _SANS_SERIF[0])
    drawing.words(2, 15, "A")
    written = drawing.markup()
    return next((font for font in _SANS_SERIF if _rendered(written, font) != blank), None)
