"""The calibration texts before the first layer, and which of them are held out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch

from bertslim.data.task import Batch
from bertslim.errors import DataError
from bertslim.model.layer import layer_inputs
from bertslim.ranks import Ranks
from bertslim.repair.calibration import CalibrationBatch, open_calibration
from bertslim.repair.hidden_states import hidden_state_room


def make_batch(rows: Sequence[int]) -> Batch:
    ids = torch.randint(5, 99, (len(rows), 7))
    mask = torch.ones_like(ids)
    mask[-1, 4:] = 0
    return Batch(inputs={"input_ids": ids, "attention_mask": mask}, rows=tuple(rows))


def opened(
    model: Any, batches: Sequence[Batch], *, seed: int = 3, ranks: Ranks | None = None
) -> list[CalibrationBatch]:
    with torch.no_grad(), hidden_state_room() as room:
        ranks = ranks or Ranks()
        calibration = open_calibration(model, batches, room, seed=seed, ranks=ranks)
        assert calibration.ranks == ranks
        return list(calibration.batches)


def rows_of(batches: Sequence[Batch], texts: Sequence[CalibrationBatch], part: str) -> set[int]:
    return {
        row
        for batch, text in zip(batches, texts, strict=True)
        for row, tokens in zip(batch.rows, getattr(text, part), strict=True)
        if tokens.any()
    }


@pytest.fixture
def model(tiny_model) -> Any:
    return tiny_model("bert", "SequenceClassification")


@pytest.fixture
def batches() -> list[Batch]:
    """Fifteen texts of two parts each, which are not always in the same batch."""
    parts = [n // 2 for n in range(30)]
    return [make_batch(parts[:13]), make_batch(parts[13:20]), make_batch(parts[20:])]


def test_a_fifth_of_the_texts_is_held_out_whole(model, batches) -> None:
    texts = opened(model, batches)
    for batch, text in zip(batches, texts, strict=True):
        assert torch.equal(text.fit | text.held, batch.inputs["attention_mask"].bool())
        assert not (text.fit & text.held).any()
    fit, held = (rows_of(batches, texts, part) for part in ("fit", "held"))
    assert len(held) == 3
    assert fit | held == set(range(15))
    assert not fit & held
    assert rows_of(batches, opened(model, batches), "held") == held
    assert any(rows_of(batches, opened(model, batches, seed=n), "held") != held for n in range(3))


def test_both_models_start_from_the_embeddings_of_the_base(model, batches) -> None:
    for batch, text in zip(batches, opened(model, batches), strict=True):
        expected, _ = layer_inputs(model, batch.inputs)
        assert torch.equal(text.states.base, expected)
        assert torch.equal(text.states.slim, expected)
        assert text.states.slim.data_ptr() != text.states.base.data_ptr()
        for room in (text.states.attention_sum, text.states.ffn_sum):
            assert room.shape == expected.shape


def test_processes_share_the_batches_and_hold_out_the_same_texts(model, batches) -> None:
    alone = opened(model, batches)
    shares = [opened(model, batches, ranks=Ranks(rank, 2)) for rank in (0, 1)]
    assert [len(one) for one in shares] == [2, 1]
    for mine, theirs in zip((shares[0][0], shares[1][0], shares[0][1]), alone, strict=True):
        assert torch.equal(mine.states.base, theirs.states.base)
        assert torch.equal(mine.held, theirs.held)


def test_each_process_needs_a_batch(model, batches) -> None:
    with pytest.raises(
        DataError, match=r"^4 processes share the texts, .*: 3 batches; launch fewer"
    ):
        opened(model, batches, ranks=Ranks(0, 4))


def test_of_two_texts_one_is_held_out_and_one_text_is_too_few(model) -> None:
    two = [make_batch([0, 1])]
    texts = opened(model, two)
    assert len(rows_of(two, texts, "held")) == len(rows_of(two, texts, "fit")) == 1
    with pytest.raises(DataError, match=r"^reconstruct needs at least two texts"):
        opened(model, [make_batch([4, 4, 4])])


def test_each_batch_has_its_texts_and_its_share_of_the_sensitivity(model, batches) -> None:
    sensitivity = [
        torch.full((4, 2, len(batch.rows), 7), float(n)) for n, batch in enumerate(batches)
    ]
    with torch.no_grad(), hidden_state_room() as room:
        calibration = open_calibration(
            model, batches, room, sensitivity=sensitivity, seed=3, ranks=Ranks(1, 2)
        )
    (text,) = calibration.batches
    assert text.batch.rows == batches[1].rows
    assert text.sensitivity is sensitivity[1]


def test_equal_weights_are_equal(model, batches) -> None:
    for batch, text in zip(batches, opened(model, batches), strict=True):
        weights = text.equal_weights()
        assert torch.equal(weights, torch.ones(len(batch.rows), 7, dtype=text.states.slim.dtype))
