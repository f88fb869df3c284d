"""Files whose first line is data, and headers that only look like it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bertslim.data.local_files import read_path
from bertslim.errors import DataError

HEADERS = [
    "text,label",
    "Text,Label",
    "sentence,label",
    "v1,v2",
    "Category,Message",
    "polarity,tweet",
    "reviewText,overall",
    "airline_sentiment,tweet text",
    "utt,intent_name",
    "Review Text,Stars",
    ",text",
    "Unnamed: 0,txt",
    "0,1",
    "id,comment_text",
    "Quality,#1 String",
    "question,2019",
    "what_the_customer_said_when_we_called,answer code",
]


def read(
    path: Path, header: str, rows: list[tuple[str, str]], named: tuple[str, ...] = ()
) -> object:
    lines = "".join(f"{first},{second}\n" for first, second in rows)
    path.write_text(f"{header}\n{lines}", encoding="utf-8")
    return read_path(str(path), named).rows.column_names


LETTERS = st.text(st.sampled_from("abcdefgh "), min_size=1, max_size=40).filter(str.strip)
ROWS = st.lists(
    st.tuples(LETTERS, st.sampled_from(["0", "1", "2", "pos", "neg", "0.5"])),
    min_size=1,
    max_size=8,
)


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(HEADERS), ROWS, st.booleans())
def test_usual_headers_are_headers_whatever_stands_below(
    tmp_path_factory: pytest.TempPathFactory,
    header: str,
    rows: list[tuple[str, str]],
    turned: bool,
) -> None:
    rows = [(second, first) for first, second in rows] if turned else rows
    names = [name or "Unnamed: 0" for name in header.split(",")]
    assert read(tmp_path_factory.getbasetemp() / "headed.csv", header, rows) == names


@pytest.mark.parametrize(
    ("first", "rows"),
    [
        ("a charming film,1", [("bleak", "0"), ("fine", "1")]),
        ("bleak,0.5", [("fine", "3.25"), ("dull", "")]),
        (
            "ham,see you there",
            [("ham", "ok"), ("spam", "win now"), ("ham", "later"), ("spam", "x")],
        ),
        (
            "question,who are you",
            [("question", "a b"), ("reply", "c"), ("question", "d"), ("reply", "e")],
        ),
        ("gj04,our friends won't buy this analysis", [("gj04", "x")]),
        ("this is one of the worst films ever made,awful", [("x", "y")]),
    ],
)
def test_a_first_line_of_data_is_refused(
    tmp_path: Path, first: str, rows: list[tuple[str, str]]
) -> None:
    path = tmp_path / "a.csv"
    with pytest.raises(DataError) as caught:
        read(path, first, rows)
    message = str(caught.value)
    assert message.startswith(
        f"{path}: the first line looks like data, not like names of columns: "
    )
    assert message.endswith(
        "; write a line of names above it, such as text and label, "
        "or name a column that it does name with --text-column"
    )


def test_a_name_that_the_user_gives_settles_that_it_is_a_header(tmp_path: Path) -> None:
    header = "What did you think of our service?,2024"
    rows = [("quite good", "1"), ("very bad", "2")]
    with pytest.raises(DataError):
        read(tmp_path / "a.csv", header, rows)
    assert read(tmp_path / "a.csv", header, rows, ("2024",)) == header.split(",")


def test_texts_alone_without_a_header_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("it is a fine and charming film\nbleak\n")
    with pytest.raises(DataError, match="the first line looks like data"):
        read_path(str(path))
