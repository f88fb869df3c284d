"""SQuAD JSON of both versions, and what only looks like it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bertslim.data.local_files import read_path
from bertslim.errors import DataError

ANSWER = {"text": "Ada", "answer_start": 0}


def squad(*questions: dict[str, Any]) -> dict[str, Any]:
    paragraph = {"context": "Ada wrote it.", "qas": list(questions)}
    return {"version": "2.0", "data": [{"title": "t", "paragraphs": [paragraph]}]}


def read(path: Path, content: Any, indent: int | None = None) -> Any:
    path.write_text(json.dumps(content, indent=indent), encoding="utf-8")
    return read_path(str(path)).rows


@pytest.mark.parametrize("indent", [None, 2])
def test_a_row_a_question(tmp_path: Path, indent: int | None) -> None:
    found = read(
        tmp_path / "a.json",
        squad(
            {"id": "1", "question": "Who?", "answers": [ANSWER, ANSWER]},
            {
                "id": "2",
                "question": "When?",
                "is_impossible": True,
                "answers": [],
                "plausible_answers": [ANSWER],
            },
        ),
        indent,
    ).to_dict()
    assert found == {
        "question": ["Who?", "When?"],
        "context": ["Ada wrote it."] * 2,
        "answers": [
            {"text": ["Ada", "Ada"], "answer_start": [0, 0]},
            {"text": [], "answer_start": []},
        ],
    }


def test_questions_whose_answers_are_kept_secret(tmp_path: Path) -> None:
    found = read(tmp_path / "a.json", squad({"question": "Who?"}))
    assert found.column_names == ["question", "context"]


@pytest.mark.parametrize(
    "content",
    [[{"text": "x"}], {"text": "x"}, {"text": "x", "data": [{"paragraphs": []}][:0]}],
)
def test_other_json_is_read_as_before(tmp_path: Path, content: Any) -> None:
    assert read(tmp_path / "a.json", content)["text"][:] == ["x"]


def test_json_lines_are_no_squad(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "x"}\n{"text": "y"}\n')
    assert read_path(str(path)).rows["text"][:] == ["x", "y"]


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ({"answers": [ANSWER]}, "KeyError: 'question'"),
        ({"question": None, "answers": [ANSWER]}, "TypeError: question is an empty value"),
        ({"question": "?", "answers": [{"text": 5, "answer_start": 0}]}, "TypeError: text is 5"),
        ({"question": "?", "answers": [{"text": "A", "answer_start": 0.5}]}, "ValueError: "),
        ({"question": "?", "answers": [{"text": "A", "answer_start": 2**70}]}, "ValueError: "),
        ({"question": "\ud800", "answers": [ANSWER]}, "UnicodeEncodeError: "),
        ({"question": "?", "answers": 5}, "TypeError"),
    ],
)
def test_a_part_that_is_missing(tmp_path: Path, question: dict[str, Any], reason: str) -> None:
    path = tmp_path / "a.json"
    with pytest.raises(DataError) as caught:
        read(path, squad({"question": "Who?", "answers": [ANSWER]}, question))
    message = f"{path}: looks like SQuAD JSON, but question 2 is not of its form ({reason}"
    assert str(caught.value).startswith(message)
