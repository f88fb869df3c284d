"""Pictures as files: the same drawing as SVG and as PNG."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from bertslim.errors import OutputError
from bertslim.report import picture_files
from bertslim.report.picture_files import write_pictures
from bertslim.report.section import Picture, pictures_of
from bertslim.report.sections import body_sections
from bertslim.report.svg import ON_PAPER, Drawing
from support.example_records import full_record

PNG = b"\x89PNG\r\n\x1a\n"


def test_each_is_written_twice(tmp_path: Path) -> None:
    pictures = pictures_of(body_sections(full_record()))
    write_pictures(pictures, tmp_path / "pictures")
    names = {path.name for path in (tmp_path / "pictures").iterdir()}
    assert names == {f"{one.name}.{kind}" for one in pictures for kind in ("svg", "png")}
    assert len(names) == 2 * len(pictures) > 10
    for one in pictures:
        png = (tmp_path / "pictures" / f"{one.name}.png").read_bytes()
        assert png.startswith(PNG)
        width, height = (int.from_bytes(png[place : place + 4], "big") for place in (16, 20))
        framed = one.draw(ON_PAPER).framed()
        assert (width, height) == pytest.approx((3 * framed.width, 3 * framed.height), abs=3)
        svg = (tmp_path / "pictures" / f"{one.name}.svg").read_text()
        assert svg == framed.markup()
        assert svg.count("<text") == one.draw(ON_PAPER).markup().count("<text") + 1
        assert "var(" not in svg


def test_without_pictures_there_is_no_folder(tmp_path: Path) -> None:
    write_pictures([], tmp_path / "pictures")
    assert not (tmp_path / "pictures").exists()


def test_without_fonts_words_are_not_left_out_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_files, "_font_family", lambda: None)
    with pytest.raises(OutputError, match="no fonts"):
        write_pictures([Picture("a", partial(Drawing, 9, 9, "", ""))], tmp_path / "pictures")


def test_words_are_drawn_in_a_font_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def rendered(svg: str, family: str) -> bytes:
        return b"words" if "<text" in svg and family == "DejaVu Sans" else b"nothing"

    monkeypatch.setattr(picture_files, "_rendered", rendered)
    picture_files._font_family.cache_clear()
    assert picture_files._font_family() == "DejaVu Sans"
    monkeypatch.setattr(picture_files, "_rendered", lambda *_: b"nothing")
    picture_files._font_family.cache_clear()
    assert picture_files._font_family() is None
    picture_files._font_family.cache_clear()
