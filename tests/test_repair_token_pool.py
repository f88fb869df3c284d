"""Tokens out of their texts: which they are, and that processes draw the same ones together."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bertslim.ranks import Ranks
from bertslim.repair.calibration import Calibration, CalibrationBatch
from bertslim.repair.token_pool import TokenPool
from support.calibration import calibration_batch


def numbered(first: int, sequences: int, length: int) -> CalibrationBatch:
    """A batch whose states are the numbers of its tokens; the last of a sequence is padding."""
    tokens = torch.ones(sequences, length, dtype=torch.bool)
    tokens[:, -1] = False
    held = torch.zeros_like(tokens)
    held[0, :2] = True
    numbers = torch.arange(first, first + sequences * length, dtype=torch.float64)
    states = numbers.view(sequences, length, 1).expand(-1, -1, 3)
    return calibration_batch(tokens, held, *(states + shift / 10 for shift in range(4)))


@pytest.fixture
def batches() -> list[CalibrationBatch]:
    return [numbered(0, 2, 4), numbered(100, 3, 5), numbered(200, 1, 3), numbered(300, 2, 6)]


def pool_of(
    batches: list[CalibrationBatch],
    ranks: Ranks | None = None,
    parts: int = 1,
    tokens_a_draw: int = 64,
) -> TokenPool:
    calibration = Calibration(batches, ranks or Ranks(), parts)
    return TokenPool(
        calibration,
        lambda batch: batch.states.slim[..., 0] + 1000,
        lambda batch: batch.fit,
        tokens_a_draw=tokens_a_draw,
    )


def test_each_token_that_was_chosen_comes_with_its_states_and_weight(batches) -> None:
    pool = pool_of(batches)
    expected = [batch.states.base[batch.fit][:, 0].tolist() for batch in batches]
    assert pool.tokens == sum(map(len, expected))
    for tokens, numbers in zip(pool.each(), expected, strict=True):
        states = tokens.batch.states
        assert states.base[0, :, 0].tolist() == numbers
        torch.testing.assert_close(states.slim, states.base + 0.1)
        torch.testing.assert_close(states.attention_sum, states.base + 0.2)
        torch.testing.assert_close(states.ffn_sum, states.base + 0.3)
        torch.testing.assert_close(tokens.weights, states.slim[..., 0] + 1000)


def test_tokens_are_drawn_alike_by_seed(batches) -> None:
    def draw(seed: int) -> list[float]:
        tokens = pool_of(batches, tokens_a_draw=5000).drawn(torch.Generator().manual_seed(seed))
        torch.testing.assert_close(tokens.weights, tokens.batch.states.slim[..., 0] + 1000)
        return tokens.batch.states.base[0, :, 0].tolist()

    found = draw(3)
    assert found == draw(3)
    assert sorted(found) != sorted(draw(4))
    every = torch.cat([batch.states.base[batch.fit][:, 0] for batch in batches])
    counts = [found.count(number) for number in every.tolist()]
    assert sum(counts) == 5000
    assert min(counts) > 0.7 * 5000 / len(every)


class Together(Ranks):
    """One of several processes whose sums are known: those of counts, as all have them."""

    sums: list[Tensor]

    def total(self, value: Tensor) -> Tensor:
        return self.sums.pop(0)


def test_processes_draw_the_tokens_of_one_together(batches) -> None:
    counts = torch.tensor([int(batch.fit.sum()) for batch in batches])
    alone = pool_of(batches).drawn(torch.Generator().manual_seed(1)).batch.states.base
    together: list[float] = []
    for rank in range(3):
        ranks = Together(rank, 3)
        object.__setattr__(ranks, "sums", [torch.tensor(4), counts])
        pool = pool_of(list(ranks.share(batches)), ranks)
        assert pool.tokens == counts.sum()
        own = pool.drawn(torch.Generator().manual_seed(1)).batch.states.base
        together += own[0, :, 0].tolist()
    assert sorted(together) == sorted(alone[0, :, 0].tolist())


def test_so_they_do_where_a_batch_of_texts_counts_as_several(batches) -> None:
    counts = torch.tensor([int(batch.fit.sum()) for batch in batches])
    alone = pool_of(batches, parts=2).drawn(torch.Generator().manual_seed(1))
    together: list[float] = []
    for rank, shared in enumerate((batches[:2], batches[2:])):
        ranks = Together(rank, 2)
        object.__setattr__(ranks, "sums", [torch.tensor(4), counts])
        own = pool_of(shared, ranks, parts=2).drawn(torch.Generator().manual_seed(1))
        together += own.batch.states.base[0, :, 0].tolist()
    assert sorted(together) == sorted(alone.batch.states.base[0, :, 0].tolist())
