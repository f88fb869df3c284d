"""Whole texts in groups: which they are, what they come with, and that processes draw alike."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from bertslim.model.layer import model_layers
from bertslim.ranks import Ranks
from bertslim.repair.calibration import Calibration, CalibrationBatch, open_calibration
from bertslim.repair.hidden_states import hidden_state_room
from bertslim.repair.text_pool import TextPool
from support.calibration import random_texts

LENGTH = 12


@pytest.fixture
def model(tiny_model) -> Any:
    return tiny_model("bert", "")


@pytest.fixture
def calibration(model) -> Any:
    """Four batches of texts; a fifth of the texts is held out."""
    texts = random_texts(5, 3, 1, 6, length=LENGTH)
    with torch.no_grad(), hidden_state_room(2**30) as room:
        opened = open_calibration(model, texts, room, seed=1, ranks=Ranks())
        for number, batch in enumerate(opened.batches):
            batch.states.ffn_sum.fill_(number)
        yield opened


def weights_of(batch: CalibrationBatch) -> Tensor:
    return batch.states.slim[..., 0]


def pool_of(model: Any, calibration: Calibration, tokens: int = 2 * LENGTH) -> TextPool:
    return TextPool(model, calibration, weights_of, lambda text: text.fit, tokens_a_draw=tokens)


def test_each_text_that_was_chosen_comes_whole_and_once(model, calibration) -> None:
    groups = list(pool_of(model, calibration).each())
    rows = [row for group in groups for row in group.batch.batch.rows]
    wanted = [
        row
        for batch in calibration.batches
        for row, chosen in zip(batch.batch.rows, batch.fit.any(dim=1), strict=True)
        if chosen
    ]
    assert rows == wanted
    assert len(rows) < sum(len(batch.batch.rows) for batch in calibration.batches)
    assert max(len(group.batch.batch.rows) for group in groups) == 2
    for group in groups:
        torch.testing.assert_close(group.weights, weights_of(group.batch))
        assert torch.equal(group.chosen, group.batch.fit)
        assert group.batch.states.base.shape[:2] == group.chosen.shape


def test_tokens_are_those_of_all_groups(model, calibration) -> None:
    pool = pool_of(model, calibration)
    assert pool.tokens == sum(int(batch.fit.sum()) for batch in calibration.batches)
    assert pool.tokens == sum(int(group.chosen.sum()) for group in pool.each())


def test_attention_of_a_group_is_that_of_its_batch(model, calibration) -> None:
    """Masks are those of the texts that were taken."""
    attention = model_layers(model)[1].attention
    whole = {}
    with torch.no_grad():
        for batch in calibration.batches:
            context = attention.context(batch.states.slim, batch.given[1])
            whole |= dict(zip(batch.batch.rows, context, strict=True))
        for group in pool_of(model, calibration).each():
            taken = group.batch
            context = attention.context(taken.states.slim, taken.given[1])
            for row, found, chosen in zip(taken.batch.rows, context, group.chosen, strict=True):
                torch.testing.assert_close(found[chosen], whole[row][chosen])


def test_a_text_longer_than_a_draw_comes_alone(model, calibration) -> None:
    groups = pool_of(model, calibration, tokens=LENGTH // 2).each()
    assert {len(group.batch.batch.rows) for group in groups} == {1}


def test_groups_are_drawn_alike_by_seed(model, calibration) -> None:
    pool = pool_of(model, calibration)

    def drawn(seed: int) -> list[tuple[int, ...]]:
        draw = torch.Generator().manual_seed(seed)
        found = [pool.drawn(draw) for _ in range(40)]
        return [group.batch.batch.rows for group in found if group is not None]

    assert drawn(3) == drawn(3) != drawn(4)
    assert len(drawn(3)) == 40
    assert set(drawn(3)) == {group.batch.batch.rows for group in pool.each()}


class Together(Ranks):
    """One of several processes whose sums are known."""

    sums: list[Tensor]

    def total(self, value: Tensor) -> Tensor:
        return self.sums.pop(0)


def test_of_several_processes_one_has_what_is_drawn(model, calibration) -> None:
    alone = pool_of(model, calibration)
    counts = torch.tensor(
        [len(torch.split(batch.fit.any(dim=1).nonzero(), 2)) for batch in calibration.batches]
    )
    pools = []
    for rank in range(2):
        ranks = Together(rank, 2)
        sums = [torch.tensor(4), counts, torch.tensor(alone.tokens)]
        object.__setattr__(ranks, "sums", sums)
        shared = Calibration(list(ranks.share(calibration.batches)), ranks)
        pools.append(pool_of(model, shared))
        assert pools[-1].tokens == alone.tokens
    draws = [torch.Generator().manual_seed(1) for _ in range(3)]
    for _ in range(20):
        wanted, *others = (
            pool.drawn(draw) for pool, draw in zip((alone, *pools), draws, strict=True)
        )
        (found,) = (other for other in others if other is not None)
        assert found.batch.batch.rows == wanted.batch.batch.rows
