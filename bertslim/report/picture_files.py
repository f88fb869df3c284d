"""Pictures as files: SVG, which scales, and PNG, which goes anywhere."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from bertslim.errors import OutputError
from bertslim.report.part import Picture
from bertslim.report.svg import ON_PAPER, Drawing

_PIXELS_A_UNIT = 3


def write_pictures(pictures: Iterable[Picture], folder: Path) -> None:
    """Write each picture twice, `NAME.svg` and `NAME.png`, framed; drawn ON_PAPER.

    Raises:
        OutputError: There is no font for the words of a PNG.
    """
    for picture in pictures:
        folder.mkdir(exist_ok=True)
        svg = picture.drawing.framed().markup()
        (folder / f"{picture.name}.svg").write_text(svg, encoding="utf-8")
        (folder / f"{picture.name}.png").write_bytes(_png(svg, folder))


def _png(svg: str, folder: Path) -> bytes:
    from resvg_py import svg_to_bytes

    if not _fonts_found():
        raise OutputError(
            "no fonts on this machine to write PNG files with",
            where=str(folder),
            remedy="install some, such as fonts-dejavu, or leave out --output",
        )
    return bytes(svg_to_bytes(svg_string=svg, zoom=_PIXELS_A_UNIT))


@cache
def _fonts_found() -> bool:
    """Whether words are drawn at all: without fonts they are left out without a word."""
    from resvg_py import svg_to_bytes

    blank, written = Drawing(20, 20, "", "", ON_PAPER), Drawing(20, 20, "", "", ON_PAPER)
    written.words(2, 15, "A")
    empty, full = (bytes(svg_to_bytes(svg_string=one.markup())) for one in (blank, written))
    return empty != full
