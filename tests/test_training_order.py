"""The order of the rows, which seed and epoch settle."""

from __future__ import annotations

import random

from bertslim.training.order import EpochOrder

LENGTHS = random.Random(3).choices(range(4, 60), k=400)


def test_every_row_comes_once_an_epoch() -> None:
    order = EpochOrder(LENGTHS, 8, seed=1)
    assert len(order) == 400
    assert sorted(order) == list(range(400))


def test_an_epoch_has_one_order_in_whichever_process() -> None:
    first, second = EpochOrder(LENGTHS, 8, seed=1), EpochOrder(LENGTHS, 8, seed=1)
    early = list(first)
    assert list(first) == early
    first.epoch = second.epoch = 3
    assert list(first) == list(second) != early
    assert list(EpochOrder(LENGTHS, 8, seed=2)) != early


def test_rows_of_a_batch_are_of_like_length() -> None:
    def spread(rows: list[int]) -> int:
        batches = [[LENGTHS[row] for row in rows[start : start + 8]] for start in range(0, 400, 8)]
        return sum(max(batch) - min(batch) for batch in batches)

    assert spread(list(EpochOrder(LENGTHS, 8, seed=1))) < 0.5 * spread(list(range(400)))
