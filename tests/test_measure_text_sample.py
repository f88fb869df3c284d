"""Texts in batches with their padding, against plain loops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bertslim.errors import InputError
from bertslim.measure.text_sample import MOST_BATCHES, TextSample

LENGTHS = (3, 1, 4, 1, 5, 2, 6)


def sample(*, pads_left: bool = False, lengths: tuple[int, ...] = LENGTHS) -> TextSample:
    ids = tuple(np.arange(10, 10 + length) for length in lengths)
    types = tuple(np.ones(length, dtype=np.int64) for length in lengths)
    return TextSample("texts.csv", ids, types, padding_id=7, pads_left=pads_left)


@pytest.mark.parametrize("pads_left", [False, True])
def test_each_text_is_padded_to_the_longest_of_its_batch(pads_left: bool) -> None:
    texts = sample(pads_left=pads_left)
    batches = texts.batches(3)
    assert [batch["input_ids"].shape for batch in batches] == [(3, 4), (3, 5)]
    for number, batch in enumerate(batches):
        for row in range(3):
            ids = list(texts.ids[3 * number + row])
            filler = batch["input_ids"].shape[1] - len(ids)
            front, behind = (filler, 0) if pads_left else (0, filler)
            assert list(batch["input_ids"][row]) == [7] * front + ids + [7] * behind
            for name in ("attention_mask", "token_type_ids"):
                assert list(batch[name][row]) == [0] * front + [1] * len(ids) + [0] * behind


def test_the_share_of_padding_is_that_of_the_positions() -> None:
    assert sample().padding(1) == 0
    assert sample().padding(3) == pytest.approx(1 - (3 + 1 + 4 + 1 + 5 + 2) / (3 * 4 + 3 * 5))


def test_no_more_batches_than_a_warm_up_gets_through() -> None:
    assert len(sample(lengths=(1,) * (MOST_BATCHES + 9)).batches(1)) == MOST_BATCHES


def test_fewer_texts_than_a_batch_are_refused() -> None:
    with pytest.raises(InputError, match=r"^texts.csv: a call takes 8 texts, and there are 7; use"):
        sample().batches(8)


def test_another_process_reads_the_same(tmp_path: Path) -> None:
    texts = sample(pads_left=True)
    texts.write(tmp_path / "texts.npz")
    read = TextSample.read(tmp_path / "texts.npz")
    assert (read.source, read.padding_id, read.pads_left) == ("texts.csv", 7, True)
    assert [list(ids) for ids in read.ids] == [list(ids) for ids in texts.ids]
    for one, other in zip(read.batches(2), texts.batches(2), strict=True):
        assert all((one[name] == other[name]).all() for name in one)
