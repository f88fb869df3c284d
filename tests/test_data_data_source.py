from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pytest

from bertslim.data import hub
from bertslim.data.data_source import load_data
from bertslim.data.task import ColumnNames, HeadFacts, Rows, TaskData
from bertslim.errors import DataError

TEXTS = [
    'she said "no", twice',
    "NA",
    "null",
    "it's a 'quoted' one",
    "naïve café — 東京 😀",
    " 007 ",
    "3.50",
    "True",
    "a, b; c | d \\n",
    '"opened and never closed',
]
LABELS = [0, 1, 0, 1, 0, 1, 0, 1, 0, 1]


def write_csv(path: Path, texts: list[str], labels: list[int]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows(zip(texts, labels, strict=True))


def write_tsv(path: Path, texts: list[str], labels: list[int]) -> None:
    lines = [f"{text}\t{label}\n" for text, label in zip(texts, labels, strict=True)]
    path.write_text("text\tlabel\n" + "".join(lines), encoding="utf-8")


def write_jsonl(path: Path, texts: list[str], labels: list[int]) -> None:
    rows = [{"text": text, "label": label} for text, label in zip(texts, labels, strict=True)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def write_json(path: Path, texts: list[str], labels: list[int]) -> None:
    rows = [{"text": text, "label": label} for text, label in zip(texts, labels, strict=True)]
    path.write_text(json.dumps(rows, indent=2, ensure_ascii=False), encoding="utf-8")


def write_parquet(path: Path, texts: list[str], labels: list[int]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"text": texts, "label": labels}), path)


WRITERS = {
    "csv": write_csv,
    "tsv": write_tsv,
    "jsonl": write_jsonl,
    "ndjson": write_jsonl,
    "json": write_json,
    "parquet": write_parquet,
}


def texts_of(data: TaskData) -> list[str]:
    return data.rows.table["text"][:]


def classifier(*labels: str) -> HeadFacts:
    return HeadFacts(kind="SequenceClassification", labels=labels, outputs=len(labels))


def hash_texts(texts: list[str], labels: list[int] | None) -> str:
    from datasets import Dataset

    from bertslim.data.plain_text import PlainText

    columns = {"text": texts} if labels is None else {"text": texts, "label": labels}
    return Rows(PlainText(), Dataset.from_dict(columns)).sha256


def error_of(path: Path | str) -> str:
    with pytest.raises(DataError) as caught:
        load_data(str(path))
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("kind", WRITERS)
def test_every_kind_of_file_gives_back_the_very_texts_and_labels(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"data.{kind}"
    texts = [*TEXTS, "two\nlines\tand a tab"] if kind != "tsv" else [*TEXTS, "no tab here"]
    labels = [*LABELS, 1]
    WRITERS[kind](path, texts, labels)

    data = load_data(str(path))

    assert texts_of(data) == texts
    assert data.rows.table["label"][:] == labels
    assert data.rows.table.column_names == ["text", "label"]
    assert (data.source, data.text_columns, data.label_columns) == (
        str(path),
        ("text",),
        ("label",),
    )
    assert data.label_names == ("0", "1")
    assert data.rows.sha256 == hash_texts(texts, labels)
    assert data.notes == ()


def test_a_text_file_has_a_text_a_line(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_bytes('\ufefffirst, "line"\r\n\n  \nNA\tsecond\u2028 still\nlast'.encode())

    data = load_data(str(path))

    assert texts_of(data) == ['first, "line"', "NA\tsecond\u2028 still", "last"]
    assert data.label_columns == ()
    assert data.label_names == ()
    assert data.rows.table.column_names == ["text"]
    assert data.notes == ("2 blank texts left out",)


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "json"])
def test_upper_case_and_gzipped_files_are_read_alike(tmp_path: Path, kind: str) -> None:
    plain, upper, packed = (
        tmp_path / name for name in (f"a.{kind}", f"A.{kind.upper()}", f"a.{kind}.gz")
    )
    for path in (plain, upper):
        WRITERS[kind](path, TEXTS, LABELS)
    packed.write_bytes(gzip.compress(plain.read_bytes()))

    assert {load_data(str(path)).rows.sha256 for path in (plain, upper, packed)} == {
        hash_texts(TEXTS, LABELS)
    }


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl"])
def test_late_rows_of_another_look_change_nothing(tmp_path: Path, kind: str) -> None:
    texts = [str(number) for number in range(12_000)] + ["a text at last"]
    path = tmp_path / f"a.{kind}"
    WRITERS[kind](path, texts, [0] * len(texts))
    assert texts_of(load_data(str(path))) == texts


def test_windows_line_ends_and_a_byte_order_mark_do_not_get_into_the_texts(tmp_path: Path) -> None:
    for name, sep in (("a.csv", ","), ("a.tsv", "\t")):
        path = tmp_path / name
        path.write_bytes(f"\ufefftext{sep}label\r\none{sep}a\r\ntwo{sep}b\r\n".encode())
        data = load_data(str(path))
        assert texts_of(data) == ["one", "two"]
        assert data.label_names == ("a", "b")


@pytest.mark.parametrize("name", ["a[1].csv", "all*.csv", "x::y.csv", ".hidden.csv", "{a,b} c.csv"])
def test_a_file_name_is_never_taken_for_a_pattern(tmp_path: Path, name: str) -> None:
    (tmp_path / "all else.csv").write_text("text\nwrong\n")
    (tmp_path / "a1.csv").write_text("text\nwrong\n")
    (tmp_path / name).write_text("text\nright\n")
    assert texts_of(load_data(str(tmp_path / name))) == ["right"]


def test_an_edited_file_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text\nold\n")
    assert texts_of(load_data(str(path))) == ["old"]
    path.write_text("text\nnew\n")
    assert texts_of(load_data(str(path))) == ["new"]


def test_a_home_relative_path_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.txt").write_text("hello\n")
    data = load_data("~/a.txt")
    assert (texts_of(data), data.source) == (["hello"], "~/a.txt")


def test_a_directory_is_the_sum_of_its_files_in_order_of_name(tmp_path: Path) -> None:
    write_csv(tmp_path / "b.csv", ["second"], [1])
    write_csv(tmp_path / "a.CSV", ["first"], [0])
    (tmp_path / "README.md").write_text("not data")
    (tmp_path / ".ignored.csv").write_text("text,label\nhidden,0\n")
    data = load_data(str(tmp_path))
    assert texts_of(data) == ["first", "second"]
    assert data.rows.table["label"][:] == [0, 1]


def test_directories_that_cannot_be_read(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert error_of(empty) == (
        f"{empty}: no data file directly in this directory; "
        "looked for .csv, .tsv, .json, .jsonl, .ndjson, .parquet, .txt, .conll, .conllu, .bio, .iob"
    )
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    write_csv(mixed / "a.csv", ["x"], [0])
    write_tsv(mixed / "b.tsv", ["x"], [0])
    assert error_of(mixed) == (
        f"{mixed}: this directory mixes data files of several kinds: csv, tsv; "
        "name one file, or leave files of one kind"
    )
    differing = tmp_path / "differing"
    differing.mkdir()
    write_csv(differing / "a.csv", ["x"], [0])
    (differing / "b.csv").write_text("sentence,label\nx,0\n")
    assert error_of(differing) == (
        f"{differing / 'b.csv'}: the columns (sentence, label) are not those of a.csv (text, label)"
    )


def test_a_directory_of_save_to_disk_is_named_as_such(tmp_path: Path) -> None:
    from datasets import Dataset

    Dataset.from_dict({"text": ["x"]}).save_to_disk(tmp_path / "saved")
    path = tmp_path / "saved"
    assert error_of(path) == (
        f"{path}: written by save_to_disk of datasets, which is not read here; "
        "write it with to_parquet"
    )


def test_a_missing_path_is_never_asked_of_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*args: object, **kwargs: object) -> None:
        pytest.fail("load_dataset was called")

    monkeypatch.setattr(hub, "load_dataset", asked)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.csv").write_text("text\nx\n")
    (tmp_path / "data").mkdir()
    assert error_of("tran.csv") == (
        "tran.csv: no such file or directory; did you mean 'train.csv'?"
    )
    for source in ("nowhere/", "/no/such", "./org", "a/b/c", "data/sst2", "org/x.JSONL.gz", "~/no"):
        assert error_of(source) == f"{source}: no such file or directory"


def test_a_file_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "data.xlsx"
    path.write_text("x")
    assert error_of(path) == (
        f"{path}: not a kind of file that can be read; give one of "
        ".csv, .tsv, .json, .jsonl, .ndjson, .parquet, .txt, .conll, .conllu, .bio, .iob, or a directory of such files"
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b""),
        ("a.tsv", b""),
        ("a.txt", b""),
        ("a.jsonl", b""),
        ("a.json", b"[]"),
        ("a.jsonl", b"\n\n"),
        ("a.csv", b"text,label\n"),
        ("a.tsv", b"text\tlabel"),
        ("a.csv.gz", b""),
        ("a.jsonl.gz", b""),
    ],
)
def test_a_file_without_rows(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    assert error_of(path) == f"{path}: there are no rows in it"


def test_a_parquet_file_without_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_parquet(path, [], [])
    assert error_of(path) == f"{path}: there are no rows in it"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"text,label\ncaf\xe9,1\n"),
        ("a.csv", b"t\xe9xt,label\ncafe,1\n"),
        ("a.tsv", b"text\tlabel\ncaf\xe9\t1\n"),
        ("a.txt", b"caf\xe9\n"),
        ("a.jsonl", b'{"text": "caf\xe9"}\n'),
    ],
)
def test_bytes_that_are_not_utf8(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert error_of(path) == f"{path}: the text is not valid UTF-8; save it as UTF-8"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        (
            "a.jsonl",
            '{"text": "x"}\n{"text": \n',
            "cannot be read as json: line 2 is not valid JSON (Expecting value at column 9)",
        ),
        (
            "a.json",
            '[\n{"text": "x"},\n{"text" "y"}]',
            "cannot be read as json: line 3 is not valid JSON (Expecting ':' delimiter at column 9)",
        ),
        ("a.jsonl", '{"text": "x"}\n5\n', "cannot be read as json: line 2 is not a JSON object"),
        (
            "a.csv",
            "text,label\nfine,yes\na, comma,no\n",
            "line 3 has 3 fields separated by commas, the header 2; "
            "put each field that holds one in quotes",
        ),
        (
            "a.csv",
            "text,label\na, comma,1\n",
            "line 2 has 3 fields separated by commas, the header 2; "
            "put each field that holds one in quotes",
        ),
        (
            "a.tsv",
            "text\tlabel\na\tb\t1\n",
            "line 2 has 3 fields separated by tabs, the header 2",
        ),
        (
            "a.csv",
            "text,label\na,1\nb\n",
            "line 3 has 1 field separated by commas, the header 2; "
            "put each field that holds one in quotes",
        ),
        (
            "a.csv",
            'text,label\n"open,1\nb,2\n',
            "line 2: a quote is opened and never closed; double the quotes within a quoted field",
        ),
        ("a.csv.gz", "text\nx\n", "cannot be read: Not a gzipped file (b'te')"),
    ],
)
def test_broken_files(tmp_path: Path, name: str, content: str, reason: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    assert error_of(path) == f"{path}: {reason}"


def test_a_parquet_file_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_text("text\n")
    assert error_of(path).startswith(f"{path}: cannot be read as parquet: Parquet file size is 5")


def test_blank_and_missing_texts_are_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows = [{"text": "x", "label": 1}, {"text": None, "label": 0}, {"label": 1}]
    rows += [{"text": " \t", "label": 0}, {"text": "y", "label": 0}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    data = load_data(str(path))
    assert texts_of(data) == ["x", "y"]
    assert data.rows.table["label"][:] == [1, 0]
    assert data.notes == ("3 blank texts left out",)


def test_only_blank_texts(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('text,label\n"",1\n" ",0\n')
    assert error_of(path) == f"{path}: all texts of column 'text' are blank"


def test_a_text_that_is_none_is_named_by_its_row(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "x"}\n{"text": 5}\n')
    assert error_of(path) == (
        f"{path}: row 2: column 'text' holds 5, which is not a text; "
        "name the column of the texts with --text-column"
    )


def test_a_row_without_label_is_named_by_its_row_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label\nx,1\n  ,1\ny,\n")
    assert error_of(path) == (
        f"{path}: row 3: no label; correct the data, or name another column with --label-column"
    )


def test_named_columns_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,note,label,gold\nx,12,0,b\ny,13,0,a\n")
    data = load_data(str(path), column_names=ColumnNames(("note",), ("gold",)))
    assert texts_of(data) == ["12", "13"]
    assert (data.text_columns, data.label_columns) == (("note",), ("gold",))
    assert data.label_names == ("a", "b")
    assert data.rows.table["label"][:] == [1, 0]


def test_labels_become_the_ids_of_the_model(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("text\tlabel\nx\tpositive\ny\tnegative\n")
    data = load_data(str(path), classifier("NEGATIVE", "POSITIVE"))
    assert data.rows.table["label"][:] == [1, 0]
    assert data.label_names == ("NEGATIVE", "POSITIVE")


def test_the_classes_of_a_parquet_file_are_known_by_name(tmp_path: Path) -> None:
    from datasets import ClassLabel, Dataset, Features, Value

    path = tmp_path / "a.parquet"
    features = Features({"text": Value("string"), "label": ClassLabel(names=["neg", "pos"])})
    Dataset.from_dict({"text": ["x", "y"], "label": [1, 0]}, features=features).to_parquet(path)
    assert load_data(str(path)).label_names == ("neg", "pos")
    assert load_data(str(path), classifier("pos", "neg")).rows.table["label"][:] == [0, 1]


def test_the_hash_tells_texts_labels_and_their_order_apart() -> None:
    hashes = {
        hash_texts(["a", "b"], [0, 1]),
        hash_texts(["b", "a"], [1, 0]),
        hash_texts(["a", "b"], [1, 0]),
        hash_texts(["a", "b"], None),
        hash_texts(["ab"], [0]),
        hash_texts(["a", "b", ""], [0, 1, 0]),
    }
    assert len(hashes) == 6
    assert hash_texts(["ü"], None) == (
        "517b8f26a08b8595e6a47e4befe9cf760fee5bcc8db3a410a70c37107b6827bf"
    )


def test_builtin_data_serve_a_model_with_other_labels_as_texts() -> None:
    data = load_data("builtin:pydocs", classifier("NEGATIVE", "POSITIVE"))
    assert data.label_columns == ()
    assert data.label_names == ()
    assert data.rows.table.column_names == ["text"]
    assert data.notes == (
        "labels not used: row 1: the model does not know the label 'asyncio', "
        "its labels are NEGATIVE, POSITIVE",
    )
    assert error_of("builtin:pydoc") == "builtin:pydoc: no such built-in data; use builtin:pydocs"


def test_loading_says_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for kind, write in WRITERS.items():
        write(tmp_path / f"a.{kind}", TEXTS, LABELS)
        load_data(str(tmp_path / f"a.{kind}"))
    broken = tmp_path / "broken.csv"
    for content in (b"text,label\na,b,1\n", b"text\n\xff\n", b""):
        broken.write_bytes(content)
        error_of(broken)
    error_of("some-name-without-hub:")
    assert capfd.readouterr() == ("", "")


def test_loading_leaves_the_libraries_as_they_were(tmp_path: Path) -> None:
    import datasets

    (tmp_path / "a.txt").write_text("x\n")
    before = datasets.logging.get_verbosity(), datasets.are_progress_bars_disabled()
    load_data(str(tmp_path / "a.txt"))
    assert (datasets.logging.get_verbosity(), datasets.are_progress_bars_disabled()) == before


def test_local_files_leave_no_trace_in_the_caches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets.config

    cache, temporary = tmp_path / "cache", tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(cache))
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"text\nx\n"))
    assert texts_of(load_data(str(path))) == ["x"]
    assert not cache.exists()
    assert list(temporary.iterdir()) == []
