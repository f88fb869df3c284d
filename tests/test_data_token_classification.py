"""Words and their labels: aligned to tokens, read back, scored as seqeval does."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import PreTrainedTokenizerFast

from bertslim.data.batches import batches
from bertslim.data.data_source import load_data
from bertslim.data.task import ColumnNames, HeadFacts, TaskData
from bertslim.errors import DataError
from bertslim.model.tokenizer import load_tokenizer

CONLL = "Ada\tB-PER\nsaw\tO\nUlm\tB-LOC\n\nbad\tO\nfilm\tO\n"
TAGS = ("B-LOC", "B-PER", "O")


def load(
    path: Path, content: str = CONLL, head: HeadFacts | None = None, **options: Any
) -> TaskData:
    path.write_text(content, encoding="utf-8")
    return load_data(str(path), head, **options)


@pytest.fixture
def tokenizer(make_checkpoint) -> Any:
    return load_tokenizer(make_checkpoint("bert", "TokenClassification", tokenizer=True))


def test_the_label_stands_on_the_first_token_of_its_word(tmp_path: Path, tokenizer: Any) -> None:
    data = load(tmp_path / "a.conll")
    assert data.label_names == TAGS
    assert data.rows.table["label"][:] == [[1, 2, 0], [2, 2]]
    (batch,) = batches(data.rows, tokenizer, batch_size=4, max_length=32, label=True)
    assert batch.rows == (0, 1)
    ids, labels = batch.inputs["input_ids"], batch.labels
    assert labels is not None
    assert labels.shape == ids.shape
    # [CLS] a ##d ##a s ##a ##w u ##l ##m [SEP] and [CLS] bad film [SEP], padded
    assert labels[0].tolist() == [-100, 1, -100, -100, 2, -100, -100, 0, -100, -100, -100]
    assert labels[1].tolist() == [-100, 2, 2, -100, *[-100] * 7]
    assert tokenizer.convert_ids_to_tokens(ids[1].tolist())[:4] == ["[CLS]", "bad", "film", "[SEP]"]


def test_the_labels_are_those_of_forward(tmp_path: Path, tokenizer: Any, tiny_model) -> None:
    model = tiny_model("bert", "TokenClassification")
    rows = load(tmp_path / "a.conll").rows
    (batch,) = batches(rows, tokenizer, batch_size=4, max_length=32, label=True)
    outputs = model(**batch.inputs, **batch.targets)
    chosen = batch.targets["labels"] != -100
    expected = torch.nn.functional.cross_entropy(
        outputs.logits[chosen], batch.targets["labels"][chosen]
    )
    assert outputs.loss.item() == pytest.approx(expected.item())


def test_byte_level_tokens_are_aligned_as_well(tmp_path: Path) -> None:
    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator(["Ada saw Ulm", "a bad film"] * 3, vocab_size=270, min_frequency=1)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=trained._tokenizer, pad_token="!")
    rows = load(tmp_path / "a.conll").rows
    for feature in rows.task.features(rows.table, tokenizer, 64, label=True):
        words, first = feature.detail
        tokens = [tokenizer.decode([one]) for one in feature.inputs["input_ids"]]
        sentence = rows.table["tokens"][feature.row]
        assert words == len(sentence) == len(first)
        for word, place in first.items():
            assert sentence[word].startswith(tokens[place].strip())
            assert feature.targets["labels"][place] == rows.table["label"][feature.row][word]


def answers_of(rows: Any, tokenizer: Any, max_length: int, classes: int = 3) -> list[list[Any]]:
    """Let each token of id n be of class n modulo the number of classes."""
    found: dict[int, list[Any]] = {}
    for batch in batches(rows, tokenizer, batch_size=1, max_length=max_length, label=True):
        logits = torch.nn.functional.one_hot(batch.inputs["input_ids"] % classes, classes).float()
        for row, answer in zip(
            batch.rows, rows.task.answers(SimpleNamespace(logits=logits), batch), strict=True
        ):
            found.setdefault(row, []).append(answer)
    return [found[row] for row in sorted(found)]


def test_words_that_were_cut_off_are_not_scored(tmp_path: Path, tokenizer: Any) -> None:
    rows = load(tmp_path / "a.conll").rows
    whole, cut = (answers_of(rows, tokenizer, length) for length in (32, 6))
    assert [len(one) for (one,) in whole] == [3, 2]
    assert cut[0][0].tolist() == [*whole[0][0][:2], -1]
    right = [np.array([1, 2, 0]) == whole[0][0], np.array([2, 2]) == whole[1][0]]
    share = rows.task.score(rows.table, whole)[-1]
    assert (share.name, share.value) == ("token_accuracy", sum(map(sum, right)) / 5)
    share = rows.task.score(rows.table, cut)[-1]
    assert share.value == (right[0][:2].sum() + right[1].sum()) / 4


def test_spans_are_scored_where_the_tags_name_them(tmp_path: Path) -> None:
    from seqeval.metrics import f1_score, precision_score, recall_score

    rows = load(tmp_path / "a.conll", CONLL * 30).rows
    draw = np.random.default_rng(0)
    answers = [[draw.integers(0, 3, len(words))] for words in rows.table["tokens"][:]]
    scores = {one.name: one for one in rows.task.score(rows.table, answers)}
    assert list(scores) == ["span_f1", "span_precision", "span_recall", "token_accuracy"]
    true = [[TAGS[tag] for tag in tags] for tags in rows.table["label"][:]]
    given = [[TAGS[tag] for tag in tags] for (tags,) in answers]
    assert scores["span_f1"].value == pytest.approx(f1_score(true, given))
    assert scores["span_precision"].value == pytest.approx(precision_score(true, given))
    assert scores["span_recall"].value == pytest.approx(recall_score(true, given))
    chosen = draw.integers(len(true), size=len(true))
    weights = np.bincount(chosen, minlength=len(true))[None].astype(float)
    expected = f1_score([true[row] for row in chosen], [given[row] for row in chosen])
    assert scores["span_f1"].resampled(weights)[0] == pytest.approx(expected)


def test_parts_of_speech_are_no_spans(tmp_path: Path) -> None:
    rows = load(tmp_path / "a.conll", "Ada\tNOUN\nsaw\tVERB\n").rows
    (share,) = rows.task.score(rows.table, [[np.array([0, 0])]])
    assert (share.name, share.value) == ("token_accuracy", 0.5)


@pytest.mark.parametrize("column", ["ner_tags", "tags", "labels"])
def test_json_rows_with_ids_or_names(tmp_path: Path, column: str) -> None:
    rows = [{"tokens": ["Ada", "saw"], column: tags} for tags in (["B-PER", "O"], ["O", "O"])]
    text = "\n".join(map(json.dumps, rows))
    data = load(tmp_path / "a.jsonl", text)
    assert data.rows.task.name == "token-classification"
    assert (data.text_columns, data.label_columns) == (("tokens",), (column,))
    head = HeadFacts(kind="TokenClassification", labels=("O", "B-PER"), outputs=2)
    assert load(tmp_path / "a.jsonl", text, head).rows.table["label"][:] == [[1, 0], [0, 0]]
    numbers = "\n".join(json.dumps({"words": ["Ada"], column: [1]}) for _ in range(2))
    assert load(tmp_path / "b.jsonl", numbers, head).rows.table["label"][:] == [[1], [1]]


def test_names_of_the_data_tell_spans_where_the_model_has_none(tmp_path: Path) -> None:
    from datasets import ClassLabel, Dataset, Features, List, Value

    features = Features(
        {"tokens": List(Value("string")), "ner_tags": List(ClassLabel(names=["O", "B-X"]))}
    )
    path = tmp_path / "a.parquet"
    Dataset.from_dict({"tokens": [["Ada"]], "ner_tags": [[1]]}, features=features).to_parquet(path)
    head = HeadFacts(kind="TokenClassification", labels=("LABEL_0", "LABEL_1"), outputs=2)
    data = load_data(str(path), head)
    assert data.rows.task.tags == ("O", "B-X")
    assert data.label_names == ("LABEL_0", "LABEL_1")


HEAD = HeadFacts(kind="TokenClassification", labels=("O", "B-PER"), outputs=2)


@pytest.mark.parametrize(
    ("name", "content", "column_names", "message"),
    [
        ("a.conll", CONLL, ColumnNames(), "row 1: the model does not know the label 'B-LOC'"),
        (
            "a.csv",
            "text,label\nx,O\n",
            ColumnNames(labels=("label",)),
            "the columns are not those of token",
        ),
        (
            "a.jsonl",
            '{"tokens": ["a", "b"], "tags": ["O"]}',
            ColumnNames(),
            "row 1: 2 words, but 1 tag",
        ),
        ("a.jsonl", '{"tokens": ["a"], "tags": [""]}', ColumnNames(), "row 1: no label"),
        (
            "a.jsonl",
            '{"tokens": [], "tags": []}',
            ColumnNames(),
            "all rows of column 'tokens' are empty",
        ),
        (
            "a.jsonl",
            '{"tokens": ["a"], "n": 5}',
            ColumnNames(labels=("n",)),
            "no column 'n' for --label",
        ),
    ],
)
def test_unusable_rows(
    tmp_path: Path, name: str, content: str, column_names: ColumnNames, message: str
) -> None:
    with pytest.raises(DataError) as caught:
        load(tmp_path / name, content, HEAD, column_names=column_names)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_texts_without_words_are_compared_alone(tmp_path: Path) -> None:
    data = load(tmp_path / "a.csv", "text,label\nx,O\n", HEAD)
    assert data.rows.task.name == "plain-text"
    assert not data.rows.scorable
    with pytest.raises(DataError, match=r"no column holds lists of words; give a \.conll file"):
        load(tmp_path / "a.csv", "text,label\nx,O\n", HEAD, task="token-classification")
