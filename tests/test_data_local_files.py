"""Directories of data files: which are read, which reported, and nothing written on the way."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from bertslim.data.local_files import is_path, read_path
from bertslim.data.split_names import by_split
from bertslim.errors import DataError
from bertslim.quiet import quiet_datasets


def fill(directory: Path, **files: str) -> str:
    for name, text in files.items():
        stem, kind = name.rsplit("_", 1)
        (directory / f"{stem}.{kind}").write_text(text)
    return str(directory)


def rows_of(text: str) -> str:
    return f"text,label\n{text},1\n"


@pytest.mark.parametrize(
    ("names", "read", "reported", "unused"),
    [
        (["train", "test"], "train", "test", ""),
        (["train", "test", "dev"], "train", "test", "dev.csv"),
        (["Train", "VALID"], "Train", "VALID", ""),
        (["sst2-train", "sst2-val"], "sst2-train", "sst2-val", ""),
        (["training", "evaluation", "labels"], "training", "evaluation", "labels.csv"),
        (["train", "contest"], "train", None, "contest.csv"),
        (["test", "words"], None, None, None),
        (["dev", "test"], None, None, None),
    ],
)
def test_train_is_read_and_test_or_else_validation_is_reported(
    tmp_path: Path, names: list[str], read: str | None, reported: str | None, unused: str | None
) -> None:
    source = fill(tmp_path, **{f"{name}_csv": rows_of(name) for name in names})
    if read is None:
        with pytest.raises(DataError) as caught:
            read_path(source)
        files = ", ".join(f"{name}.csv" for name in names)
        assert str(caught.value) == (
            f"{source}: cannot tell which of its files to fit on: {files}; "
            "name one file, and another as --eval-data"
        )
        return
    table = read_path(source)
    assert table.rows["text"][:] == [read]
    held_out = table.held_out
    assert (held_out.rows["text"][:] if held_out else None) == ([reported] if reported else None)
    if held_out:
        assert held_out.source == str(tmp_path / f"{reported}.csv")
    assert table.reading == (
        f"files: {read}.csv",
        *([f"set apart: {reported}.csv"] if reported else []),
        *([f"not used: {unused}"] if unused else []),
    )


def test_several_files_of_a_split_belong_together(tmp_path: Path) -> None:
    names = ["train-1", "train-0", "test-0", "test-1"]
    table = read_path(fill(tmp_path, **{f"{name}_csv": rows_of(name) for name in names}))
    assert table.rows["text"][:] == ["train-0", "train-1"]
    assert table.held_out is not None
    assert table.held_out.rows["text"][:] == ["test-0", "test-1"]
    assert table.held_out.source == str(tmp_path / "test-0.csv, test-1.csv")


def test_files_of_no_split_are_one_table_and_are_shown(tmp_path: Path) -> None:
    table = read_path(fill(tmp_path, b_csv=rows_of("b"), a_csv="text;label\na;1\n"))
    assert table.rows["text"][:] == ["a", "b"]
    assert table.held_out is None
    assert table.reading == ("files: a.csv, b.csv", "columns separated by semicolons")


def test_a_test_file_without_labels_is_not_reported_on(tmp_path: Path) -> None:
    table = read_path(
        fill(tmp_path, train_csv=rows_of("a"), test_csv="text\nb\n", dev_csv=rows_of("c"))
    )
    assert table.held_out is not None
    assert table.held_out.rows["text"][:] == ["c"]
    assert table.reading == (
        "files: train.csv",
        "no column label in test.csv",
        "set apart: dev.csv",
        "not used: test.csv",
    )


def test_files_of_other_kinds_beside_splits_do_not_matter(tmp_path: Path) -> None:
    table = read_path(
        fill(tmp_path, train_csv=rows_of("a"), test_tsv="text\tlabel\nb\t1\n", n_txt="x")
    )
    assert (table.held_out and table.held_out.rows["text"][:]) == ["b"]
    assert table.reading == ("files: train.csv", "set apart: test.tsv", "not used: n.txt")


def test_a_name_of_two_splits_is_refused(tmp_path: Path) -> None:
    source = fill(tmp_path, train_test_csv=rows_of("a"), train_csv=rows_of("b"))
    with pytest.raises(DataError) as caught:
        read_path(source)
    assert str(caught.value) == (
        f"{source}: the name 'train_test.csv' says both train and test; "
        "name one file, and give the other as --eval-data"
    )


def test_one_file_is_read_whatever_its_name(tmp_path: Path) -> None:
    assert read_path(fill(tmp_path, test_csv=rows_of("a"))).rows["text"][:] == ["a"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "text\nx\n"),
        ("a.tsv", "text\nx\n"),
        ("a.txt", "x\n"),
        ("a.json", '[{"text": "x"}]'),
        ("a.jsonl", '{"text": "x"}\n'),
        ("a.conll", "x\tO\n"),
        ("a.parquet", ""),
    ],
)
def test_nothing_is_written_and_no_full_disk_is_met(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str
) -> None:
    import datasets.config
    from datasets import Dataset

    file = tmp_path / name
    file.write_text(content)
    if name == "a.parquet":
        Dataset.from_dict({"text": ["x"]}).to_parquet(file)
    nowhere = tmp_path / "none"
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(nowhere / "cache"))
    monkeypatch.setattr("tempfile.tempdir", str(nowhere))
    (tmp_path / "none").write_text("a file, so that no directory can be made here")
    assert len(read_path(str(file)).rows) == 1


def test_no_local_file_is_counted_over_a_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*args: object, **kwargs: object) -> None:
        pytest.fail("a connection was opened")

    monkeypatch.setattr("socket.socket.connect", refused)
    monkeypatch.setattr("socket.getaddrinfo", refused)
    assert len(read_path(fill(tmp_path, a_csv=rows_of("x"))).rows) == 1


def test_the_values_of_categories_in_parquet_are_texts(tmp_path: Path) -> None:
    import pandas as pd

    frame = pd.DataFrame({"text": ["a", "b"], "label": pd.Categorical(["pos", "neg"])})
    frame.to_parquet(tmp_path / "a.parquet")
    assert read_path(str(tmp_path / "a.parquet")).rows.to_dict() == {
        "text": ["a", "b"],
        "label": ["pos", "neg"],
    }


@pytest.mark.parametrize(
    "source", ["x" * 5000 + ".csv", "/" + "x" * 300 + "/a.csv", "~no-such-user/a.csv", "./a\0b.csv"]
)
def test_names_that_no_file_can_have_are_no_files(source: str) -> None:
    with pytest.raises(DataError, match="no such file or directory"):
        read_path(source)
    assert is_path(source)


def test_an_empty_name_is_no_path_to_the_directory_here() -> None:
    assert not is_path("")


def test_a_pipe_is_refused_since_it_can_be_read_but_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.csv")
    with pytest.raises(DataError) as caught:
        read_path(str(tmp_path / "a.csv"))
    assert str(caught.value) == (
        f"{tmp_path / 'a.csv'}: not a regular file, which can be read more than once; "
        "write the data to a file"
    )


def test_damaged_parquet_is_one_line(tmp_path: Path) -> None:
    from datasets import Dataset

    whole = tmp_path / "whole.parquet"
    Dataset.from_dict({"text": ["charming"], "label": [1]}).to_parquet(whole)
    content, damaged = whole.read_bytes(), tmp_path / "a.parquet"
    for place in range(0, len(content), 7):
        damaged.write_bytes(content[:place] + b"\xff" + content[place + 1 :])
        try:
            assert read_path(str(damaged)).rows.num_rows == 1
        except DataError as error:
            assert str(error).startswith(f"{damaged}: ")
            assert "\n" not in str(error)


def test_a_file_beside_its_packed_copy_is_not_read_twice(tmp_path: Path) -> None:
    source = fill(tmp_path, a_csv=rows_of("a"))
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(rows_of("a").encode()))
    with pytest.raises(DataError, match=r"a\.csv is there twice, also as a\.csv\.gz; leave one"):
        read_path(source)


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.json", "a.txt", "a.conll", "a.parquet"])
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (POINTER, "it is a pointer of Git LFS, not the data; fetch them with `git lfs pull`"),
        (
            b"<!DOCTYPE html>\n<html>",
            "it is a web page, not the data; download the file itself",
        ),
        (gzip.compress(b"text\nx\n", mtime=0), "it is gzipped; end its name in .gz"),
        (
            b"PK\x03\x04xl/workbook.xml",
            "it is a zip archive or a spreadsheet; save its table as CSV in UTF-8",
        ),
    ],
)
def test_files_that_are_not_what_their_name_says(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_path(str(tmp_path / name))
    assert str(caught.value) == f"{tmp_path / name}: {reason}"


def test_lines_of_words_and_tags_are_no_texts(tmp_path: Path) -> None:
    path = tmp_path / "train.txt"
    path.write_text("-DOCSTART- -X- O\n\nAda NNP B-PER\nsaw VBD O\n")
    with pytest.raises(DataError) as caught:
        read_path(str(path))
    assert str(caught.value) == (
        f"{path}: its lines look like words with tags; end its name in .conll to have them read so"
    )
    path.write_text("Type O\nvitamin B-12\nand so on\n")
    assert len(read_path(str(path)).rows) == 3


def test_the_words_of_datasets_for_splits_are_taken_as_it_takes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datasets.data_files import DataFilesDict, get_data_patterns

    names = [
        f"{before}{word}{behind}.csv"
        for word in (
            "train",
            "training",
            "test",
            "testing",
            "eval",
            "evaluation",
            "dev",
            "val",
            "x",
        )
        for before in ("", "my-", "my_", "my.", "my", "a b ")
        for behind in ("", "-1", "_a", "2", "er")
    ]
    for name in names:
        (tmp_path / name).write_text("text\nx\n")
    monkeypatch.chdir(tmp_path)
    files = DataFilesDict.from_patterns(get_data_patterns("."), base_path=".")
    expected = {str(split): {Path(file).name for file in found} for split, found in files.items()}
    found = by_split(names, where="d")
    found.pop("")
    assert {split: set(of_split) for split, of_split in found.items()} == expected


@pytest.mark.parametrize(
    ("builder", "name", "content", "options"),
    [
        ("csv", "a.csv", 'text,note\n"a ""b"", c",x\n"d\ne",\n', {"keep_default_na": False}),
        ("json", "a.jsonl", '{"text": "a"}\n{"text": "b", "label": 1}\n', {}),
        ("json", "a.json", '[{"text": "a", "label": [0, 1]}, {"text": null, "label": []}]', {}),
        ("text", "a.txt", "a\n\nb\n", {}),
        ("conll", "a.conll", "Ada\tO\n#\tB-X\n\nUlm\tO\n", {"column_names": ["tokens", "tags"]}),
    ],
)
def test_files_are_read_as_datasets_reads_them(
    tmp_path: Path, builder: str, name: str, content: str, options: dict[str, object]
) -> None:
    from datasets import load_dataset

    path = tmp_path / name
    path.write_text(content)
    with quiet_datasets():
        expected = load_dataset(
            builder, data_files=str(path), split="train", cache_dir=str(tmp_path / "c"), **options
        )
    assert read_path(str(path)).rows.to_dict() == expected.to_dict()
