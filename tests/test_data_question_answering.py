"""Questions and contexts: windows, targets, the best span over windows, EM and F1."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from bertslim.data.batches import batches
from bertslim.data.data_source import load_data, read_rows, read_source
from bertslim.data.question_answering import AnswerSpan
from bertslim.data.question_windows import question_features
from bertslim.data.splits import split
from bertslim.data.task import ColumnNames, HeadFacts, TaskData
from bertslim.errors import DataError
from bertslim.model.tokenizer import load_tokenizer

CONTEXT = "a good film and a bad film by ada " * 6
HEAD = HeadFacts(kind="QuestionAnswering", outputs=2)


@pytest.fixture
def tokenizer(make_checkpoint) -> Any:
    return load_tokenizer(make_checkpoint("bert", "QuestionAnswering", tokenizer=True))


def row(text: str | None, start: int = 0, context: str = CONTEXT, **more: Any) -> dict[str, Any]:
    answers = (
        {"text": [text], "answer_start": [start]} if text else {"text": [], "answer_start": []}
    )
    return {"question": "who is good?", "context": context, "answers": answers} | more


def load(path: Path, *rows: dict[str, Any]) -> TaskData:
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return load_data(str(path), HEAD)


def test_windows_cover_the_context_and_tell_where_their_tokens_stand(tokenizer: Any) -> None:
    features = question_features(["who is good?"], [CONTEXT], tokenizer, 40)
    assert len(features) > 2
    covered: set[int] = set()
    for feature in features:
        first, last = feature.detail.tokens
        assert len(feature.inputs["input_ids"]) <= 40
        assert feature.row == 0
        assert feature.detail.none == 0
        for place, (start, end) in zip(range(first, last), feature.detail.offsets, strict=True):
            token = tokenizer.convert_ids_to_tokens(feature.inputs["input_ids"][place])
            assert token.removeprefix("##") == CONTEXT[start:end]
            covered |= set(range(start, end))
    assert covered == {place for place, letter in enumerate(CONTEXT) if letter != " "}


def test_targets_are_the_tokens_of_the_answer_where_the_window_holds_it(tokenizer: Any) -> None:
    start = CONTEXT.index("bad film", 60)
    features = question_features(
        ["who?"], [CONTEXT], tokenizer, 40, answers=[(start, start + len("bad film"))]
    )
    found = 0
    for feature in features:
        first, last = (feature.targets[f"{end}_positions"] for end in ("start", "end"))
        ids = feature.inputs["input_ids"]
        inside = first != 0
        found += inside
        if inside:
            assert tokenizer.decode(ids[first : last + 1]) == "bad film"
            offset = feature.detail.offsets[first - feature.detail.tokens[0]]
            assert offset[0] == start
        else:
            assert (first, last) == (0, 0)
    assert found >= 1
    (none, *_) = question_features(["who?"], [CONTEXT], tokenizer, 40, answers=[None])
    assert none.targets == {"start_positions": 0, "end_positions": 0}


def test_long_questions_and_short_limits_leave_room_for_the_context(tokenizer: Any) -> None:
    for length in (12, 20, 40):
        for feature in question_features(["z " * 90], [CONTEXT], tokenizer, length):
            first, last = feature.detail.tokens
            assert last > first
            assert len(feature.inputs["input_ids"]) <= length


def test_the_targets_are_those_of_forward(tmp_path: Path, tokenizer: Any, tiny_model) -> None:
    rows = load(tmp_path / "a.jsonl", row("good", 2), row("ada", CONTEXT.index("ada"))).rows
    model = tiny_model("bert", "QuestionAnswering")
    made = batches(rows, tokenizer, batch_size=4, max_length=40, label=True)
    assert {number for batch in made for number in batch.rows} == {0, 1}
    for batch in made:
        assert set(batch.targets) == {"start_positions", "end_positions"}
        assert batch.labels is None
        assert model(**batch.inputs, **batch.targets).loss > 0


def slow_best(start: list[float], end: list[float], first: int, last: int) -> tuple[int, int]:
    pairs = [
        (start[one] + end[other], -one, -other)
        for one in range(first, last)
        for other in range(one, min(last, one + 30))
    ]
    _, one, other = max(pairs)
    return -one, -other


def test_the_best_span_is_that_of_a_plain_loop(tmp_path: Path, tokenizer: Any) -> None:
    rows = load(tmp_path / "a.jsonl", row("good", 2)).rows
    for batch in batches(rows, tokenizer, batch_size=1, max_length=40):
        shape = batch.inputs["input_ids"].shape
        outputs = SimpleNamespace(start_logits=torch.randn(shape), end_logits=torch.randn(shape))
        (span,) = rows.task.answers(outputs, batch)
        (window,) = batch.details
        start, end = outputs.start_logits[0].tolist(), outputs.end_logits[0].tolist()
        one, other = slow_best(start, end, *window.tokens)
        places = [window.offsets[place - window.tokens[0]] for place in (one, other)]
        assert span.text == CONTEXT[places[0][0] : places[1][1]]
        assert span.score == pytest.approx(start[one] + end[other])
        assert span.none == pytest.approx(start[0] + end[0])


def test_the_best_window_answers_and_none_is_a_choice_where_some_have_no_answer(
    tmp_path: Path,
) -> None:
    sure, unsure = AnswerSpan("good", 5.0, none=1.0), AnswerSpan("bad", 2.0, none=3.0)
    rows = load(tmp_path / "a.jsonl", row("good", 2), row("ada", CONTEXT.index("ada"))).rows
    scores = {one.name: one for one in rows.task.score(rows.table, [[unsure, sure], [unsure]])}
    assert (scores["f1"].value, scores["exact_match"].value) == (0.5, 0.5)
    rows = load(tmp_path / "b.jsonl", row("good", 2), row(None)).rows
    scores = {one.name: one for one in rows.task.score(rows.table, [[unsure, sure], [unsure]])}
    assert (scores["f1"].value, scores["exact_match"].value) == (1, 1)


def test_a_paragraph_never_stands_in_two_splits(tmp_path: Path) -> None:
    rows = [
        row("good", 2, context=f"a good film number {n // 3}", question=f"who {n}?")
        for n in range(300)
    ]
    splits = split(load(tmp_path / "a.jsonl", *rows))
    contexts = [
        set(part.table["context"][:]) for part in (splits.fit, splits.select, splits.report)
    ]
    assert sum(map(len, contexts)) == len(set.union(*contexts)) == 100
    assert len(splits.fit) + len(splits.select) + len(splits.report) == 300


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"text": ["bad"], "answer_start": [2]}, "the answer 'bad' does not stand at character 2"),
        ({"text": ["good"], "answer_start": []}, "the answers are not of the form text and"),
        ({"text": ["good"]}, "the answers are not of the form text and answer_start"),
        (None, "the answers are not of the form text and answer_start"),
    ],
)
def test_answers_that_are_not_there(tmp_path: Path, answers: Any, message: str) -> None:
    path = tmp_path / "a.jsonl"
    with pytest.raises(DataError) as caught:
        load(path, row("good", 2), row("good", 2, answers=answers))
    assert str(caught.value).startswith(f"{path}: row 2: {message}")
    assert str(caught.value).endswith("; correct the data")


def test_answers_may_be_a_list_of_them(tmp_path: Path) -> None:
    answers = [{"text": "good", "answer_start": 2}]
    data = load(tmp_path / "a.jsonl", row("good", answers=answers))
    assert data.rows.table["label"][:] == [{"text": ["good"], "start": [2]}]


def test_questions_without_answers_and_texts_without_questions(tmp_path: Path) -> None:
    rows = [{"question": "who?", "context": CONTEXT}] * 2
    data = load(tmp_path / "a.jsonl", *rows)
    assert data.rows.task.name == "question-answering"
    assert not data.rows.scorable
    assert load(tmp_path / "b.jsonl", {"text": "x"}).rows.task.name == "plain-text"
    with pytest.raises(DataError, match="no columns of questions and contexts; give SQuAD JSON"):
        load_data(str(tmp_path / "b.jsonl"), HEAD, task="question-answering")


def test_whether_none_is_an_answer_is_settled_by_all_sources(tmp_path: Path) -> None:
    def source(name: str, *answers: dict[str, Any]) -> str:
        rows = [
            {"question": "q", "context": f"a film {n}", "answers": one}
            for n, one in enumerate(answers)
        ]
        (tmp_path / name).write_text("\n".join(map(json.dumps, rows)))
        return str(tmp_path / name)

    answered, none = {"text": ["a"], "answer_start": [0]}, {"text": [], "answer_start": []}
    head, names = HEAD, ColumnNames()
    tables = [
        read_source(source("a.jsonl", answered, none)),
        read_source(source("b.jsonl", answered)),
    ]
    for sources, may_be_none in ((tables, True), (tables[1:], False)):
        for data in read_rows(sources, head, task=None, column_names=names):
            assert data.rows.task.may_be_none == may_be_none
    assert data.label_rule == 'every question has an answer, "none" is none'
