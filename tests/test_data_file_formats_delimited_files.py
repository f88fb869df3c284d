"""CSV and TSV files: separators, quotes and headers, held to `csv`, pandas and `datasets`."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bertslim.data.file_formats import delimited_files
from bertslim.data.local_files import read_path
from bertslim.data.source_table import SourceTable
from bertslim.errors import DataError

WORDS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
ROWS = [["a charming, often affecting film; really", "1"], ["bleak | and\tdesperate", "0"]]


def read(path: Path, content: str | bytes, named: tuple[str, ...] = ()) -> SourceTable:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_path(str(path), named)


def rows_of(table: SourceTable) -> list[list[str]]:
    return [list(row.values()) for row in table.rows]


def refusal(path: Path, content: str | bytes) -> str:
    with pytest.raises(DataError) as caught:
        read(path, content)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def write(path: Path, header: list[str], rows: list[list[str]], **style: object) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, **style)  # type: ignore[arg-type]
        writer.writerow(header)
        writer.writerows(rows)


@pytest.mark.parametrize("extension", ["csv", "tsv"])
@pytest.mark.parametrize("separator", WORDS)
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_the_separator_is_settled_by_the_rows_and_shown_where_it_is_not_usual(
    tmp_path: Path, extension: str, separator: str, quoting: int
) -> None:
    path = tmp_path / f"a.{extension}"
    write(path, ["text", "label"], ROWS, delimiter=separator, quoting=quoting)
    table = read_path(str(path))
    assert table.rows.column_names == ["text", "label"]
    assert rows_of(table) == ROWS
    usual = separator == {"csv": ",", "tsv": "\t"}[extension]
    shown = [clause for clause in table.reading if clause.startswith("columns")]
    assert shown == ([] if usual else [f"columns separated by {WORDS[separator]}"])


def test_a_semicolon_file_keeps_commas_that_nothing_quotes(tmp_path: Path) -> None:
    table = read(tmp_path / "a.csv", "text;label\na, b, and c;1\nd, e;0\n")
    assert rows_of(table) == [["a, b, and c", "1"], ["d, e", "0"]]
    assert table.reading == ("columns separated by semicolons",)


@pytest.mark.parametrize(
    ("content", "rows", "told"),
    [
        (
            "text;label\na;1\nb; c;1\n",
            [["a", "1"], ["b; c", "1"]],
            "semicolons within text in 1 row",
        ),
        (
            "label,text\n1,a\n1,b, c, d\n",
            [["1", "a"], ["1", "b, c, d"]],
            "commas within text in 1 row",
        ),
        (
            "id,text,score\n1,a,0.5\n2,b,1\n3,c,d,0.25\n4,e,f,0\n",
            [["1", "a", "0.5"], ["2", "b", "1"], ["3", "c,d", "0.25"], ["4", "e,f", "0"]],
            "commas within text in 2 rows",
        ),
        ("text\na\nb, c\n", [["a"], ["b, c"]], "commas within text in 1 row"),
    ],
)
def test_a_text_may_hold_the_separator_where_its_other_columns_leave_no_doubt(
    tmp_path: Path, content: str, rows: list[list[str]], told: str
) -> None:
    table = read(tmp_path / "a.csv", content)
    assert rows_of(table) == rows
    assert table.reading[-1] == told


@pytest.mark.parametrize(
    "content",
    [
        "text,label\na,yes\nb, c,no\n",  # no other row has this label
        "text,label\na,1\na,a,1\n",  # or the text might end before
        "text,label\na,b,1\n",
        "text,label\na,1\nb,c,1\nd\n",
        'text,label\na,1\n"b",c,1\n',
        "sentence1,sentence2,label\na,b,1\nc,d,e,1\n",
    ],
)
def test_rows_of_more_fields_than_the_header_are_refused_where_there_is_doubt(
    tmp_path: Path, content: str
) -> None:
    assert " separated by commas, the header " in refusal(tmp_path / "a.csv", content)


def test_one_column_stays_one(tmp_path: Path) -> None:
    table = read(tmp_path / "a.csv", 'text\n"a, b"\nc; d | e\n')
    assert (rows_of(table), table.reading) == ([["a, b"], ["c; d | e"]], ())


def test_of_two_separators_the_one_that_fits_every_row_is_taken(tmp_path: Path) -> None:
    table = read(tmp_path / "a.csv", "text;label,source\na, b;1\nc;0\n")
    assert table.rows.column_names == ["text", "label,source"]
    table = read(tmp_path / "a.csv", "text,day|month\nx,1|2\ny,3|4\n")
    assert table.rows.column_names == ["text", "day|month"]


def test_two_separators_that_fit_as_well_are_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "a.csv", "when;day,month\na;1,2\nb;3,4\n") == (
        "the columns may be separated by commas or by semicolons; "
        "put the fields that hold the other in quotes, in the header too"
    )


TABLES = st.integers(1, 4).flatmap(
    lambda columns: st.lists(
        st.lists(
            st.text(st.sampled_from('ab ,;|"\n\r\té'), max_size=6),
            min_size=columns,
            max_size=columns,
        ),
        min_size=1,
        max_size=6,
    )
)


@settings(max_examples=50, deadline=None)
@given(TABLES, st.sampled_from(sorted(WORDS)))
def test_what_csv_writes_is_read_as_csv_and_pandas_read_it(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], separator: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "generated.csv"
    header = ["text", "label", "source", "note"][: len(rows[0])]
    if separator == "\t":  # whose quotes may be part of texts, if lines of a field look like rows
        rows = [[" ".join(cell.split()) for cell in row] for row in rows]
    rows = [["x", *row[1:]] if not "".join(row).strip() else row for row in rows]
    write(path, header, rows, delimiter=separator, quoting=csv.QUOTE_ALL)
    table = read_path(str(path))
    assert table.rows.column_names == header
    expected = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, na_filter=False)
    assert rows_of(table) == rows == expected.to_numpy().tolist()


@pytest.mark.parametrize(
    ("content", "rows", "reading"),
    [
        ('text\tlabel\n"open\t1\nb "c" d\t0\n', ['"open', 'b "c" d'], ()),
        ('text\tlabel\n"he said ""no"""\t1\nb\t0\n', ['he said "no"', "b"], ("enclose fields",)),
        ('text\tlabel\n"a\nb"\t1\nb\t0\n', ["a\nb", "b"], ("enclose fields",)),
        ('text\tlabel\n"a\tb"\t1\nb\t0\n', ["a\tb", "b"], ("enclose fields",)),
        ('"text"\t"label"\n"a"\t"1"\n"b"\t"0"\n', ["a", "b"], ("enclose fields",)),
        ('text\tlabel\n"good"\t1\nbad\t0\n', ['"good"', "bad"], ("are part of the texts",)),
        ('text\tlabel\n"good"\t1\na "bad" one\t0\n', ['"good"', 'a "bad" one'], None),
    ],
)
def test_quotes_of_tsv_files_enclose_fields_or_are_part_of_texts(
    tmp_path: Path, content: str, rows: list[str], reading: tuple[str, ...] | None
) -> None:
    table = read(tmp_path / "a.tsv", content)
    assert table.rows["text"][:] == rows
    expected = tuple(f"quotes {clause}" for clause in reading or ("are part of the texts",))
    assert table.reading == (() if reading == () else expected)


def test_the_files_of_glue_are_read_as_its_own_scripts_do(tmp_path: Path) -> None:
    lines = [
        "index\tsentence1\tsentence2\tlabel",
        '0\t"Open quote\tWhat is "it"?\tentailment',
        '1\tHe said ""\t"All of it."\tnot_entailment',
    ]
    path = tmp_path / "a.tsv"
    path.write_text("\n".join(lines) + "\n")
    with path.open() as file:
        expected = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert list(read_path(str(path)).rows) == expected


@pytest.mark.parametrize(
    ("header", "names"),
    [
        (" text , label ", ["text", "label"]),
        ("\ufeff\ufefftext,label", ["text", "label"]),
        (",text", ["Unnamed: 0", "text"]),
        ("text,", ["text", "Unnamed: 1"]),
        ("Text,text", ["Text", "text"]),
    ],
)
def test_blanks_and_marks_around_names_are_not_part_of_them(
    tmp_path: Path, header: str, names: list[str]
) -> None:
    assert read(tmp_path / "a.csv", f"{header}\nx,y\n").rows.column_names == names


def test_names_that_recur_are_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "a.csv", "text,label, text\nx,1,y\n") == (
        "2 columns are named 'text'; give each column a name of its own"
    )


def test_a_header_that_recurs_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "a.csv", "text,label\nx,1\ntext,label\ny,0\n") == (
        "line 3 repeats the header; leave the line out"
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("text,label\nx,1\n".encode("utf-16"), "the text is UTF-16; save it as UTF-8"),
        ("text,label\nx,1\n".encode("utf-32"), "the text is UTF-32; save it as UTF-8"),
        (
            "text,label\nx,1\n".encode("utf-16-le"),
            "line 1 holds a NUL byte, so that it is not text in UTF-8; save it as UTF-8",
        ),
        (
            b"text,label\nx,1\n\0y,0\n",
            "line 3 holds a NUL byte, so that it is not text in UTF-8; save it as UTF-8",
        ),
        (
            "text,label\nK\u00f6ln,1\n".encode("cp1252"),
            "the text is not valid UTF-8; save it as UTF-8",
        ),
        (
            b'text,label\n"good" film,1\n',
            "line 2: text follows a closing quote; double the quotes within a quoted field",
        ),
        (
            b'text,label\n"say \\"no\\"",1\n',
            "line 2: text follows a closing quote; double the quotes within a quoted field",
        ),
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_other_encodings_and_stray_quotes_are_refused(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    packed = gzip.compress(content) if name.endswith(".gz") else content
    assert refusal(tmp_path / name, packed) == reason


def test_a_packed_file_that_is_cut_short(tmp_path: Path) -> None:
    packed = gzip.compress(b"text,label\n" + b"some words,1\n" * 500)
    assert refusal(tmp_path / "a.csv.gz", packed[:-12]).startswith("cannot be read: ")
    damaged = packed[:12] + b"\xff" * 8 + packed[20:]
    assert refusal(tmp_path / "a.csv.gz", damaged).startswith("cannot be read: ")


def test_a_field_may_be_as_long_as_a_document(tmp_path: Path) -> None:
    text = "word " * 60_000
    assert read(tmp_path / "a.csv", f'text,label\n"{text}",1\n').rows["text"][0] == text


def test_more_rows_than_are_read_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited_files, "_ROWS_AT_A_TIME", 10)
    numbers = [f"{number:06}" for number in range(25)]
    table = read(tmp_path / "a.csv", "text\n" + "\n".join(numbers) + "\n")
    assert table.rows["text"][:] == numbers


def test_a_line_that_tells_excel_the_separator_is_no_header(tmp_path: Path) -> None:
    assert refusal(tmp_path / "a.csv", "sep=;\r\ntext;label\r\nx;1\r\n") == (
        "the first line, sep=;, tells Excel the separator and is no header; leave it out"
    )


def test_more_columns_than_a_table_of_texts_has(tmp_path: Path) -> None:
    assert refusal(tmp_path / "a.csv", "text" + "," * 200_000 + "\n") == (
        "200,001 columns are more than a table of texts has; leave 10,000 or fewer"
    )
