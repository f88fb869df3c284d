from __future__ import annotations

import pytest
import torch
from datasets import Dataset
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import BertProcessing
from transformers import PreTrainedTokenizerFast

from bertslim.data.batches import batches
from bertslim.data.task import Rows
from bertslim.data.text_classification import TextClassification
from bertslim.errors import ModelError

PAD, CLS, SEP, UNK, WORD = range(5)
LENGTHS = [3, 9, 1, 5, 5, 2, 8, 1, 4, 30]


def make_tokenizer(
    model_max_length: int | None = None, **options: object
) -> PreTrainedTokenizerFast:
    vocabulary = {"[PAD]": PAD, "[CLS]": CLS, "[SEP]": SEP, "[UNK]": UNK, "word": WORD}
    backend = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    backend.pre_tokenizer = Whitespace()
    backend.post_processor = BertProcessing(("[SEP]", SEP), ("[CLS]", CLS))
    names = {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"} | options
    limit = {} if model_max_length is None else {"model_max_length": model_max_length}
    return PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="[UNK]", **names, **limit)


@pytest.fixture
def rows() -> Rows:
    texts = ["word " * length for length in LENGTHS]
    table = Dataset.from_dict({"text": texts, "label": list(range(len(texts)))})
    return Rows(TextClassification(), table)


def test_each_row_comes_once_the_longest_first(rows: Rows) -> None:
    made = batches(rows, make_tokenizer(), batch_size=4, max_length=64, label=True)
    assert [batch.rows for batch in made] == [(9, 1, 6, 3), (4, 8, 0, 5), (2, 7)]
    for batch in made:
        assert batch.labels is not None
        assert batch.labels.tolist() == list(batch.rows)
        assert batch.labels.dtype == torch.int64


def test_rows_are_padded_to_the_longest_of_their_batch(rows: Rows) -> None:
    made = batches(rows, make_tokenizer(), batch_size=4, max_length=64)
    assert [tuple(batch.inputs["input_ids"].shape) for batch in made] == [(4, 32), (4, 7), (2, 3)]
    for batch in made:
        ids, mask = batch.inputs["input_ids"], batch.inputs["attention_mask"]
        assert batch.labels is None
        assert ids.dtype == mask.dtype == torch.int64
        assert mask.sum(dim=1).tolist() == [LENGTHS[row] + 2 for row in batch.rows]
        assert torch.equal(ids == PAD, mask == 0)


def test_what_the_tokenizer_makes_besides_goes_along(rows: Rows) -> None:
    names = ["input_ids", "token_type_ids", "attention_mask"]
    plain = batches(rows, make_tokenizer(), batch_size=16, max_length=64)[0].inputs
    typed = batches(rows, make_tokenizer(model_input_names=names), batch_size=16, max_length=64)[
        0
    ].inputs
    assert set(plain) <= set(typed) == set(names)
    assert typed["token_type_ids"].shape == typed["input_ids"].shape


@pytest.mark.parametrize(("asked", "known", "longest"), [(8, 512, 8), (64, 10, 10), (64, None, 32)])
def test_long_texts_are_cut_at_the_lower_limit(
    rows: Rows, asked: int, known: int | None, longest: int
) -> None:
    made = batches(rows, make_tokenizer(known), batch_size=4, max_length=asked)
    ids = made[0].inputs["input_ids"]
    assert ids.shape[1] == longest
    assert ids[0, 0] == CLS
    assert ids[0, -1] == SEP


def test_splits_batch_by_their_own_row_numbers(rows: Rows) -> None:
    made = batches(rows.select([2, 9]), make_tokenizer(), batch_size=4, max_length=64, label=True)
    assert [batch.rows for batch in made] == [(1, 0)]
    assert made[0].labels is not None
    assert made[0].labels.tolist() == [9, 2]


def test_no_rows_make_no_batches(rows: Rows) -> None:
    assert batches(rows.select([]), make_tokenizer(), batch_size=4, max_length=64) == []


def test_a_tokenizer_without_padding_token(rows: Rows) -> None:
    tokenizer = make_tokenizer(pad_token=None, name_or_path="some/model")
    with pytest.raises(ModelError, match=r"^some/model: the tokenizer has no padding token$"):
        batches(rows, tokenizer, batch_size=4, max_length=64)


def test_it_says_nothing(rows: Rows, capfd: pytest.CaptureFixture[str]) -> None:
    batches(rows, make_tokenizer(4), batch_size=4, max_length=64)
    assert capfd.readouterr() == ("", "")


def test_the_targets_are_what_forward_takes(rows: Rows) -> None:
    made = batches(rows, make_tokenizer(), batch_size=4, max_length=64, label=True)[0]
    assert list(made.targets) == ["labels"]
    assert made.targets["labels"] is made.labels
    assert batches(rows, make_tokenizer(), batch_size=4, max_length=64)[0].targets == {}


def test_pairs_are_one_sequence_with_the_longer_text_cut_first() -> None:
    pairs = {"text": ["word " * 9], "pair": ["word " * 2]}
    rows = Rows(TextClassification(), Dataset.from_dict(pairs))
    (made,) = batches(rows, make_tokenizer(), batch_size=4, max_length=10)
    assert made.inputs["input_ids"].tolist() == [[CLS, *[WORD] * 5, SEP, *[WORD] * 2, SEP]]


def test_a_part_of_a_batch_keeps_its_padding(rows: Rows) -> None:
    whole = batches(rows, make_tokenizer(), batch_size=4, max_length=64, label=True)[0]
    part = whole.part(slice(1, 3))
    assert part.rows == whole.rows[1:3]
    assert torch.equal(part.targets["labels"], whole.targets["labels"][1:3])
    assert torch.equal(part.inputs["input_ids"], whole.inputs["input_ids"][1:3])
    assert part.details == whole.details[1:3]
