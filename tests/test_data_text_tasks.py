"""Tasks of texts and pairs: classes, several labels, scores, embeddings."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from bertslim.data.batches import batches
from bertslim.data.data_source import load_data
from bertslim.data.embedder import Embedder
from bertslim.data.pooling import Pooling
from bertslim.data.splits import split
from bertslim.data.task import ColumnNames, HeadFacts, TaskData
from bertslim.errors import DataError
from bertslim.model.tokenizer import load_tokenizer

MULTI = "multi_label_classification"
CLASSIFIER = HeadFacts(kind="SequenceClassification", labels=("no", "yes"), outputs=2)
TAGGING = HeadFacts("SequenceClassification", ("a", "b", "c"), 3, problem_type=MULTI)
REGRESSOR = HeadFacts(kind="SequenceClassification", outputs=1, problem_type="regression")
ENCODER = HeadFacts(kind="", embedder=Embedder(Pooling(("cls",))))


def load(path: Path, content: str, head: HeadFacts | None = None, **options: Any) -> TaskData:
    path.write_text(content, encoding="utf-8")
    return load_data(str(path), head, **options)


def error_of(path: Path, content: str, head: HeadFacts, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        load(path, content, head, **options)
    return str(caught.value).removeprefix(f"{path}: ")


@pytest.fixture
def tokenizer(make_checkpoint) -> Any:
    return load_tokenizer(make_checkpoint("bert", "", tokenizer=True))


# Pairs


def test_pairs_go_through_the_model_as_one_sequence(tmp_path: Path, tokenizer: Any) -> None:
    data = load(tmp_path / "a.csv", "query,passage,label\ngood,film,yes\nbad,film,no\n", CLASSIFIER)
    assert data.text_columns == ("query", "passage")
    assert data.rows.table.column_names == ["text", "pair", "label"]
    (batch,) = batches(data.rows, tokenizer, batch_size=4, max_length=16, label=True)
    tokens = tokenizer.convert_ids_to_tokens(batch.inputs["input_ids"][0].tolist())
    assert tokens == ["[CLS]", "good", "[SEP]", "film", "[SEP]"]
    assert batch.inputs["token_type_ids"][0].tolist() == [0, 0, 0, 1, 1]
    assert batch.targets["labels"].tolist() == [1, 0]


def test_a_pair_is_split_by_both_texts_and_left_out_if_both_are_blank(tmp_path: Path) -> None:
    rows = "".join(f"same,other {n},yes\n" for n in range(300))
    data = load(tmp_path / "a.csv", "premise,hypothesis,label\n,,no\nx,,no\n" + rows, CLASSIFIER)
    assert data.notes == ("1 blank text left out",)
    splits = split(data)
    assert {len(splits.fit), len(splits.select), len(splits.report)} != {301}
    assert len(splits.report) > 10


def test_named_columns_make_a_pair(tmp_path: Path) -> None:
    text = "a,b,c\nx,y,1\n"
    data = load(tmp_path / "a.csv", text, column_names=ColumnNames(("b", "a"), ("c",)))
    assert data.rows.table.to_dict() == {"text": ["y"], "pair": ["x"], "label": [0]}


# Several labels a text


@pytest.mark.parametrize(
    ("name", "content", "columns"),
    [
        ("a.csv", "text,labels\nx,c|a\ny,\n", ("labels",)),
        ("a.csv", "text,a,b,c\nx,1,0,1\ny,0,0,0\n", ("a", "b", "c")),
        (
            "a.jsonl",
            '{"text": "x", "labels": ["a", "c"]}\n{"text": "y", "labels": []}',
            ("labels",),
        ),
        ("a.jsonl", '{"text": "x", "labels": [0, 2]}\n{"text": "y", "labels": []}', ("labels",)),
    ],
)
def test_several_labels_in_every_form(
    tmp_path: Path, name: str, content: str, columns: tuple[str, ...]
) -> None:
    data = load(tmp_path / name, content, TAGGING)
    assert data.rows.table["label"][:] == [[1, 0, 1], [0, 0, 0]]
    assert data.label_columns == columns
    assert data.label_names == ("a", "b", "c")


def test_several_labels_are_the_targets_and_the_answers(
    tmp_path: Path, tokenizer: Any, tiny_model
) -> None:
    rows = load(tmp_path / "a.csv", "text,labels\nx,c|a\ny,\n", TAGGING).rows
    (batch,) = batches(rows, tokenizer, batch_size=4, max_length=16, label=True)
    model = tiny_model("bert", "SequenceClassification", problem_type=MULTI)
    outputs = model(**batch.inputs, **batch.targets)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(
        outputs.logits, torch.tensor([[1.0, 0, 1], [0, 0, 0]])
    )
    assert outputs.loss.item() == pytest.approx(expected.item())
    logits = torch.tensor([[2.0, -1.0, -1.0], [-3.0, -0.1, -0.2]])
    answers = [[one] for one in rows.task.answers(SimpleNamespace(logits=logits), batch)]
    scores = {one.name: one.value for one in rows.task.score(rows.table, answers)}
    assert scores == {
        "micro_f1": pytest.approx(2 / 3),
        "macro_f1": pytest.approx(1 / 3),
        "subset_accuracy": 0.5,
    }


def test_columns_of_0_and_1_make_a_new_head_of_several_labels(tmp_path: Path) -> None:
    data = load(
        tmp_path / "a.csv", "text,a,b\nx,1,0\n", column_names=ColumnNames(labels=("a", "b"))
    )
    assert data.rows.task.problem_type == MULTI
    assert data.label_names == ("a", "b")


def test_lists_or_columns_are_no_single_label(tmp_path: Path) -> None:
    text = "text,a,b\nx,1,0\n"
    assert error_of(
        tmp_path / "a.csv", text, CLASSIFIER, column_names=ColumnNames(labels=("a", "b"))
    ).startswith("--label-column: 2 columns of labels, but the model chooses one label a text")
    rows = json.dumps({"text": "x", "labels": ["yes"]})
    assert error_of(tmp_path / "a.jsonl", rows, CLASSIFIER).startswith(
        "row 1: ['yes'] cannot be a label"
    )


# Scores


def test_scores_are_the_targets_and_the_outputs_the_answers(
    tmp_path: Path, tokenizer: Any, tiny_model
) -> None:
    text = "sentence1,sentence2,score\na,b,0.5\nc,d,2\ne,f,1.25\n"
    data = load(tmp_path / "a.csv", text, REGRESSOR)
    assert (data.text_columns, data.label_columns) == (("sentence1", "sentence2"), ("score",))
    (batch,) = batches(data.rows, tokenizer, batch_size=4, max_length=16, label=True)
    model = tiny_model("bert", "SequenceClassification", num_labels=1)
    outputs = model(**batch.inputs, **batch.targets)
    truth = torch.tensor([0.5, 2, 1.25])
    assert outputs.loss.item() == pytest.approx(((outputs.logits[:, 0] - truth) ** 2).mean().item())
    logits = torch.tensor([[1.0], [3.0], [0.0]])
    answers = [[one] for one in data.rows.task.answers(SimpleNamespace(logits=logits), batch)]
    scores = {one.name: one.value for one in data.rows.task.score(data.rows.table, answers)}
    assert list(scores) == ["spearman", "pearson", "mse"]
    assert scores["spearman"] == pytest.approx(spearmanr(truth, [1, 3, 0]).statistic)
    assert scores["mse"] == pytest.approx((0.25 + 1 + 1.5625) / 3)


def test_the_logits_of_a_reranker_have_no_squared_error(tmp_path: Path) -> None:
    head = HeadFacts(kind="SequenceClassification", outputs=1)
    data = load(tmp_path / "a.csv", "query,passage,label\na,b,1\nc,d,0\n", head)
    scores = data.rows.task.score(data.rows.table, [[0.3], [-2.0]])
    assert [one.name for one in scores] == ["spearman", "pearson"]
    assert scores[0].value == pytest.approx(1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("text,score\na,1\nb,\n", "row 2: no score"),
        ("text,score\na,1\nb,good\n", "row 2: the score 'good' is no finite number"),
        ("text,score\na,nan\nb,1\n", "row 1: the score 'nan' is no finite number"),
    ],
)
def test_a_row_without_its_score(tmp_path: Path, text: str, message: str) -> None:
    assert error_of(tmp_path / "a.csv", text, REGRESSOR).startswith(message)


def test_classes_are_no_scores(tmp_path: Path) -> None:
    text = "text,label\na,good\nb,bad\n"
    data = load(tmp_path / "a.csv", text, REGRESSOR)
    assert data.label_columns == ()
    assert not data.rows.scorable
    assert error_of(
        tmp_path / "a.csv", text, REGRESSOR, column_names=ColumnNames(labels=("label",))
    ).startswith("row 1: the score 'good' is no finite number")
    assert load_data("builtin:pydocs", REGRESSOR).label_columns == ()


# Embeddings


def test_each_text_of_a_pair_has_its_embedding(tmp_path: Path, tokenizer: Any, tiny_model) -> None:
    words = ["good", "bad", "film", "ada", "a", "b"]
    text = "sentence1,sentence2,score\n" + "".join(
        f"{one} film,{other},{n}\n" for n, (one, other) in enumerate(pairwise(words))
    )
    data = load(tmp_path / "a.csv", text, ENCODER)
    model = tiny_model("bert", "", initializer_range=0.5)
    answers: dict[int, list[Any]] = {}
    for batch in batches(data.rows, tokenizer, batch_size=3, max_length=16):
        assert batch.targets == {}
        with torch.inference_mode():
            outputs = model(**batch.inputs)
        for row, answer in zip(batch.rows, data.rows.task.answers(outputs, batch), strict=True):
            answers.setdefault(row, []).append(answer)
    cosines = []
    for pair in zip(data.rows.table["text"][:], data.rows.table["pair"][:], strict=True):
        with torch.inference_mode():
            one, other = (
                model(**tokenizer(side, return_tensors="pt")).last_hidden_state[0, 0]
                for side in pair
            )
        cosines.append(torch.nn.functional.cosine_similarity(one, other, dim=0).item())
    scores = {
        one.name: one.value
        for one in data.rows.task.score(data.rows.table, [answers[row] for row in sorted(answers)])
    }
    assert scores["spearman"] == pytest.approx(spearmanr(range(5), cosines).statistic)
    assert scores["pearson"] == pytest.approx(np.corrcoef(range(5), cosines)[0, 1], abs=1e-5)


def test_embeddings_of_single_texts_have_nothing_to_be_scored_by(tmp_path: Path) -> None:
    text = "text,label\na,1\n"
    assert not load(tmp_path / "a.csv", text, ENCODER).rows.scorable
    wanted = ColumnNames(labels=("label",))
    assert error_of(tmp_path / "a.csv", text, ENCODER, column_names=wanted).startswith(
        "embeddings are scored by pairs of texts with a score, and there is one text a row"
    )


# Any data as texts


@pytest.mark.parametrize("head", [CLASSIFIER, REGRESSOR, ENCODER, HeadFacts(kind="MultipleChoice")])
def test_words_and_contexts_are_texts_too(tmp_path: Path, head: HeadFacts) -> None:
    words = load(tmp_path / "a.conll", "Ada\tO\nsaw\tO\n\nUlm\tO\n", head)
    assert words.rows.table.to_dict() == {"text": ["Ada saw", "Ulm"]}
    answers = {"text": ["x"], "answer_start": [0]}
    rows = [{"question": q, "context": "x y", "answers": answers} for q in ("p", "q")]
    found = load(tmp_path / "a.jsonl", "\n".join(map(json.dumps, rows)), head)
    assert found.rows.table.to_dict() == {"text": ["x y"]}
    assert found.label_columns == ()


def test_labels_of_words_are_not_those_of_texts(tmp_path: Path) -> None:
    content, wanted = "Ada\tO\n", ColumnNames(labels=("tags",))
    for head in (CLASSIFIER, REGRESSOR):
        assert error_of(tmp_path / "a.conll", content, head, column_names=wanted).startswith(
            "the rows hold words or questions, not texts with"
        )
    for task in ("plain-text", "fill-mask"):
        head = HeadFacts(kind="MaskedLM", predicts_words=True)
        with pytest.raises(DataError, match=f"^--label-column: labels are of no use to .* {task}"):
            load(tmp_path / "a.conll", content, head, column_names=wanted, task=task)


def test_the_texts_of_any_rows_each_once(tmp_path: Path) -> None:
    pairs = load(tmp_path / "a.csv", "text1,text2\na,b\na,c\n", ENCODER)
    assert pairs.rows.texts() == ["a", "b", "c"]
    words = load(tmp_path / "a.conll", "Ada\tO\nsaw\tO\n\nAda\tO\nsaw\tO\n")
    assert words.rows.texts() == ["Ada saw"]
