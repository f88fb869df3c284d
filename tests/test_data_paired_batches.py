"""The same rows as two tokenizers read them, sequence beside sequence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset

from bertslim.data.batches import batches
from bertslim.data.feature_extraction import FeatureExtraction
from bertslim.data.fill_mask import FillMask
from bertslim.data.paired_batches import PairedBatch, paired_batches, shared_tokens
from bertslim.data.plain_text import PlainText
from bertslim.data.question_answering import QuestionAnswering
from bertslim.data.task import Batch, Rows, Task
from bertslim.model.tokenizer import load_tokenizer

TEXTS = ["good bad", "a film", "bad film film", "b", "ab good"]
WITHOUT_FILM = ["good bad"]
LIMIT = 12


@pytest.fixture
def tokenizers(make_checkpoint, prune_vocabulary) -> tuple[Any, Any]:
    """The tokenizer of a model, and that of the same model without the token `film`."""
    base: Path = make_checkpoint("bert", "MaskedLM", tokenizer=True)
    return load_tokenizer(base), load_tokenizer(prune_vocabulary(base, WITHOUT_FILM))


def texts(task: Task, **columns: list[str]) -> Rows:
    return Rows(task, Dataset.from_dict(columns or {"text": TEXTS}))


def pair(rows: Rows, tokenizers: tuple[Any, Any], **options: Any) -> list[PairedBatch]:
    return paired_batches(rows, *tokenizers, batch_size=2, max_length=LIMIT, **options)


def sequences(batch: Batch, tokenizer: Any) -> list[list[str]]:
    """The tokens of each sequence, without padding."""
    inputs = zip(batch.inputs["input_ids"], batch.inputs["attention_mask"].bool(), strict=True)
    return [tokenizer.convert_ids_to_tokens(ids[mask].tolist()) for ids, mask in inputs]


def test_each_model_reads_each_row_as_it_would_alone(tokenizers: tuple[Any, Any]) -> None:
    pairs = pair(texts(PlainText()), tokenizers)
    for side, tokenizer in zip(("base", "slim"), tokenizers, strict=True):
        found = {}
        for one in pairs:
            batch = getattr(one, side)
            found |= dict(zip(batch.rows, sequences(batch, tokenizer), strict=True))
        assert [found[row] for row in range(len(TEXTS))] == [
            tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"]) for text in TEXTS
        ]
    for one in pairs:
        assert one.base.rows == one.slim.rows


def test_rows_that_are_read_alike_have_batches_of_their_own(tokenizers: tuple[Any, Any]) -> None:
    pairs = pair(texts(PlainText()), tokenizers)
    assert [sorted(one.base.rows) for one in pairs if not one.alike] == [[1, 2]]
    alike = [one for one in pairs if one.alike]
    assert sorted(row for one in alike for row in one.base.rows) == [0, 3, 4]
    for one in alike:
        assert sequences(one.base, tokenizers[0]) == sequences(one.slim, tokenizers[1])
        assert torch.equal(one.base.inputs["attention_mask"], one.slim.inputs["attention_mask"])


def test_one_tokenizer_for_both_reads_all_alike(tokenizers: tuple[Any, Any]) -> None:
    rows, (tokenizer, _) = texts(PlainText()), tokenizers
    pairs = pair(rows, (tokenizer, tokenizer))
    usual = batches(rows, tokenizer, batch_size=2, max_length=LIMIT)
    assert all(one.alike for one in pairs)
    assert [one.base.rows for one in pairs] == [one.slim.rows for one in pairs]
    assert [one.base.rows for one in pairs] == [one.rows for one in usual]


def test_the_same_words_are_masked_for_both(tokenizers: tuple[Any, Any]) -> None:
    longer = [f"{text} {'x y z ' * 2}" for text in TEXTS]
    pairs = pair(texts(FillMask(), text=longer), tokenizers, label=True)
    compared = 0
    for one in pairs:
        if not one.alike:
            continue
        assert sequences(one.base, tokenizers[0]) == sequences(one.slim, tokenizers[1])
        places = [side.targets["labels"] != -100 for side in (one.base, one.slim)]
        assert torch.equal(*places)
        compared += int(places[0].sum())
        truths = [
            tokenizer.convert_ids_to_tokens(side.targets["labels"][places[0]].tolist())
            for side, tokenizer in zip((one.base, one.slim), tokenizers, strict=True)
        ]
        assert truths[0] == truths[1]
    assert compared >= 3


def test_texts_that_differ_only_where_they_are_masked_are_not_alike(
    tokenizers: tuple[Any, Any],
) -> None:
    base, slim = tokenizers
    pairs = pair(texts(FillMask(), text=["film"]), (base, slim), label=True)
    assert [one.alike for one in pairs] == [False]


def test_both_texts_of_a_pair_have_to_be_read_alike(tokenizers: tuple[Any, Any]) -> None:
    rows = texts(FeatureExtraction(), text=["good", "bad"], pair=["bad", "film"])
    pairs = pair(rows, tokenizers)
    assert [(one.alike, one.base.rows, one.slim.rows) for one in pairs] == [
        (True, (0, 0), (0, 0)),
        (False, (1, 1), (1, 1)),
    ]
    for one in pairs:
        assert one.base.details == one.slim.details


def test_windows_that_one_model_lacks_are_run_again(tokenizers: tuple[Any, Any]) -> None:
    contexts = ["film " * 12, "good " * 12, "a b"]
    rows = texts(QuestionAnswering(), question=["a", "b", "c"], context=contexts)
    alone = [
        [one.row for one in rows.task.features(rows.table, tokenizer, LIMIT, label=False)]
        for tokenizer in tokenizers
    ]
    assert alone[0].count(0) < alone[1].count(0)
    assert alone[0].count(1) == alone[1].count(1) > 1
    pairs = pair(rows, tokenizers)
    both = [row for one in pairs for row in one.base.rows]
    assert both == [row for one in pairs for row in one.slim.rows]
    assert sorted(both) == sorted(alone[1])
    assert {row for one in pairs if one.alike for row in one.base.rows} == {1, 2}
    read = {tuple(tokens) for one in pairs for tokens in sequences(one.base, tokenizers[0])}
    expected = rows.task.features(rows.table, tokenizers[0], LIMIT, label=False)
    assert read == {
        tuple(tokenizers[0].convert_ids_to_tokens(one.inputs["input_ids"])) for one in expected
    }


def test_a_part_of_a_pair_is_that_of_both(tokenizers: tuple[Any, Any]) -> None:
    (first, *_) = pair(texts(PlainText()), tokenizers)
    part = first.part(slice(1, 2))
    assert (part.base.rows, part.slim.rows) == (first.base.rows[1:], first.slim.rows[1:])
    assert part.alike is first.alike


def test_shared_tokens_are_those_that_both_name(tokenizers: tuple[Any, Any]) -> None:
    base, slim = tokenizers
    shared = shared_tokens(base, slim)
    names = base.convert_ids_to_tokens(list(shared.base))
    assert names == slim.convert_ids_to_tokens(list(shared.slim))
    assert set(names) == set(base.get_vocab()) - {"film"}
