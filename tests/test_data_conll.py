"""CoNLL column files, well-formed and not."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from bertslim.data.local_files import read_path
from bertslim.errors import DataError

TABS = "-DOCSTART-\t-X-\tO\n\nAda\tNNP\tB-PER\nsaw\tVBD\tO\n\n\nUlm\tNNP\tB-LOC\n"


def read(path: Path, text: str) -> dict[str, list[list[str]]]:
    path.write_text(text, encoding="utf-8")
    return read_path(str(path)).rows.to_dict()


@pytest.mark.parametrize("name", ["a.conll", "a.bio", "a.IOB"])
def test_the_word_stands_first_and_the_tag_last(tmp_path: Path, name: str) -> None:
    expected = {"tokens": [["Ada", "saw"], ["Ulm"]], "tags": [["B-PER", "O"], ["B-LOC"]]}
    assert read(tmp_path / name, TABS) == expected
    assert read(tmp_path / name, TABS.replace("\t", " ")) == expected
    assert read(tmp_path / name, TABS.replace("\n", "\r\n") + "\n \n") == expected
    assert read(tmp_path / name, "\ufeff" + TABS) == expected


def test_gzipped_files_and_directories(tmp_path: Path) -> None:
    (tmp_path / "a.conll.gz").write_bytes(gzip.compress(TABS.encode()))
    (tmp_path / "b.conll").write_text("Bonn\tO\n")
    assert read_path(str(tmp_path)).rows.to_dict()["tokens"] == [["Ada", "saw"], ["Ulm"], ["Bonn"]]


def test_where_tabs_part_the_columns_blanks_are_part_of_words(tmp_path: Path) -> None:
    found = read(tmp_path / "a.conll", "New York\tB-LOC\n#\tO\n")
    assert found == {"tokens": [["New York", "#"]], "tags": [["B-LOC", "O"]]}


def test_words_alone_have_no_tags(tmp_path: Path) -> None:
    assert read(tmp_path / "a.conll", "Ada\nsaw\n\nUlm\n") == {"tokens": [["Ada", "saw"], ["Ulm"]]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Ada\tB-PER\nsaw\n", "line 2 has 1 column, the first 2"),
        ("Ada B-PER\n\nin Ulm B-LOC\n", "line 3 has 3 columns, the first 2"),
        ("Ada\tB-PER\nsaw\t\n", "line 2 has no tag"),
    ],
)
def test_a_line_without_its_tag(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.conll"
    with pytest.raises(DataError) as caught:
        read(path, text)
    assert str(caught.value) == (
        f"{path}: {message}; give each word a line with its tag in the last column"
    )


@pytest.mark.parametrize("text", ["", "\n\n", "-DOCSTART- O\n\n"])
def test_no_sentence_at_all(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.conll"
    with pytest.raises(DataError, match="there are no rows in it"):
        read(path, text)


def test_other_encodings_and_unlabelled_files_among_labelled_ones(tmp_path: Path) -> None:
    latin = tmp_path / "latin.conll"
    latin.write_bytes("Köln\tO\n".encode("latin-1"))
    with pytest.raises(DataError, match="the text is not valid UTF-8; save it as UTF-8"):
        read_path(str(latin))
    latin.write_text("Ada\n")
    (tmp_path / "b.conll").write_text("Ada\tO\n")
    with pytest.raises(DataError, match="some of the files have labels, others have none"):
        read_path(str(tmp_path))
