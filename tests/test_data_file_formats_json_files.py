"""JSON files of the forms that people and libraries write, and those that are refused."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bertslim.data.local_files import read_path
from bertslim.data.source_table import SourceTable
from bertslim.errors import DataError

ROWS = [{"text": "charming", "label": 1}, {"text": "bleak", "label": 0}, {"text": "x", "label": 1}]
FRAME = pd.DataFrame(ROWS)


def read(path: Path, content: Any) -> SourceTable:
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    return read_path(str(path))


def refusal(path: Path, content: Any) -> str:
    with pytest.raises(DataError) as caught:
        read(path, content)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


FORMS = {
    "list": (json.dumps(ROWS), ()),
    "indented": (json.dumps(ROWS, indent=2), ()),
    "lines": ("".join(json.dumps(row) + "\n" for row in ROWS), ()),
    "lines with blank ones": ("\n" + "\n\n".join(json.dumps(row) for row in ROWS), ()),
    "under data": (json.dumps({"data": ROWS}), ("rows under the key 'data'",)),
    "under a key beside others": (
        json.dumps({"version": "1", "rows": ROWS, "meta": {"n": 3}, "tags": ["a"]}, indent=1),
        ("rows under the key 'rows'",),
    ),
    "columns": (
        json.dumps({name: [row[name] for row in ROWS] for name in ROWS[0]}),
        ("an object of lists, one a column",),
    ),
    "pandas records": (FRAME.to_json(orient="records"), ()),
    "pandas lines": (FRAME.to_json(orient="records", lines=True), ()),
    "pandas table": (FRAME.to_json(orient="table", index=False), ("rows under the key 'data'",)),
    "pandas split": (FRAME.to_json(orient="split"), ('the form "split" of pandas',)),
    "pandas index": (FRAME.to_json(orient="index"), ("an object of rows",)),
    "pandas columns": (
        FRAME.to_json(orient="columns"),
        ("an object of columns, each an object of rows",),
    ),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("packed", [False, True])
def test_every_form_gives_the_same_rows(tmp_path: Path, form: str, packed: bool) -> None:
    content, reading = FORMS[form]
    path = tmp_path / ("a.json.gz" if packed else "a.json")
    path.write_bytes(gzip.compress(content.encode()) if packed else content.encode())
    table = read_path(str(path))
    assert list(table.rows) == ROWS
    assert table.reading == reading


@pytest.mark.parametrize("orient", ["index", "columns"])
def test_names_that_are_not_usual_are_told_from_the_numbers_of_rows(
    tmp_path: Path, orient: str
) -> None:
    frame = pd.DataFrame({"utt": ["a", "b", "c"], "kind": [1, 2, 3]})
    found = read(tmp_path / "a.json", frame.to_json(orient=orient))  # type: ignore[call-overload]
    assert found.rows.to_dict() == frame.to_dict(orient="list")


def test_keys_that_stand_in_some_rows_only(tmp_path: Path) -> None:
    table = read(tmp_path / "a.jsonl", '{"text": "x"}\n{"label": 1, "text": "y"}\n{"label": 2}\n')
    assert table.rows.to_dict() == {"text": ["x", "y", None], "label": [None, 1, 2]}


def test_a_list_of_texts(tmp_path: Path) -> None:
    table = read(tmp_path / "a.json", ["charming", "bleak"])
    assert (table.rows.to_dict(), table.reading) == (
        {"text": ["charming", "bleak"]},
        ("a list of texts",),
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", {"text": "x", "label": 1}),
        ("a.json", {"utt": "x", "kind": 1}),
        ("a.json", {"tokens": ["a", "b"], "tags": ["O", "O"]}),
        ("a.json", {"question": "?", "context": "c", "answers": [{"text": "c"}]}),
        ("a.jsonl", {"text": ["a", "b"], "label": [0, 1]}),
        ("a.ndjson", {"data": [{"text": "x"}]}),
    ],
)
def test_one_object_that_is_one_row(tmp_path: Path, name: str, content: Any) -> None:
    table = read(tmp_path / name, content)
    assert (list(table.rows), table.reading) == ([content], ())


def test_splits_under_keys_are_not_pooled(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    table = read(path, {"train": ROWS[:2], "test": ROWS[2:], "dev": ROWS[:1]})
    assert list(table.rows) == ROWS[:2]
    assert table.reading == (
        "rows under the key 'train', those under 'test' set apart",
        "not used: 'dev'",
    )
    assert table.held_out is not None
    assert (table.held_out.source, list(table.held_out.rows)) == (f"{path} (test)", ROWS[2:])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            {"a": ROWS, "b": ROWS},
            "several keys hold rows: a, b; write the rows of one key to a file of their own",
        ),
        (
            {"text": ["a", "b"], "label": [1]},
            "its lists differ in length: 'text' 2, 'label' 1; "
            "give a list of objects, or an object a line",
        ),
        (
            {"result": {"items": 3}, "n": 2},
            "no rows are found in its 2 keys 'result', 'n'; "
            "give a list of objects, or an object a line",
        ),
        (
            {"x": {"p": 1, "q": 2}, "y": {"p": 3, "q": 4}},
            "cannot tell whether its keys 'x', 'y' are rows or columns; "
            "give a list of objects, or an object a line",
        ),
        (
            [{"text": "x"}, ["y", 1]],
            "row 2 is a list and not an object; give a list of objects, or an object a line",
        ),
        ("5\n", "it holds 5 and no rows; give a list of objects, or an object a line"),
        (
            '[{"text": "a", "text": "b"}]',
            "an object in line 1 or below has the key 'text' twice",
        ),
        ('[{"text": "\\ud800"}]', "column 'text' cannot be held: "),
        (f'[{{"text": "a", "label": {2**70}}}]', "column 'label' cannot be held: "),
        ([{" text": "a", "text ": "b"}], "2 columns are named 'text'; "),
        ([{"te\0xt": "a"}], r"the name 'te\x00xt' of a column holds a NUL character"),
        (
            "[" * 100_000,
            "cannot be read as json: it is nested too deeply",
        ),
        (
            [{f"key{number}": 1} for number in range(1_001)],
            "its first 1,001 rows have more than 1,000 different keys, too many to be columns",
        ),
        ('[{"text": ' + "1" * 5_000 + "}]", "cannot be read as json: Exceeds the limit"),
        ("{}", "there are no rows in it"),
        ("[{}]", "there are no rows in it"),
    ],
)
def test_forms_that_are_refused(tmp_path: Path, content: Any, reason: str) -> None:
    assert refusal(tmp_path / "a.json", content).startswith(reason)


def test_blanks_around_keys_are_not_part_of_them(tmp_path: Path) -> None:
    assert read(tmp_path / "a.json", [{" text": "x"}]).rows.column_names == ["text"]


def test_files_whose_numbers_differ_in_kind_are_read_together(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"text": "x", "score": 1}]')
    (tmp_path / "b.json").write_text('[{"score": 0.5, "text": "y"}]')
    assert read_path(str(tmp_path)).rows.to_dict() == {"text": ["x", "y"], "score": [1.0, 0.5]}
