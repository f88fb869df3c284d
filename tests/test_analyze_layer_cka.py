"""CKA of real hidden states, against the full-batch value on the same tokens."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bertslim.analyze import layer_cka
from bertslim.analyze.cka import hsic
from bertslim.analyze.layer_cka import measure_cka
from bertslim.analyze.representations import sites_of, watched
from bertslim.data.task import Batch
from bertslim.errors import DataError
from bertslim.model.checkpoint import Checkpoint, load_checkpoint
from bertslim.progress import Progress

SILENT = Progress(visible=False)


def batches(count: int, length: int = 8) -> list[Batch]:
    draw = torch.Generator().manual_seed(0)
    found = []
    for number in range(count):
        ids = torch.randint(5, 99, (16, length), generator=draw)
        mask = torch.ones_like(ids)
        mask[::2, length // 2 :] = 0
        rows = tuple(range(16 * number, 16 * number + 16))
        found.append(Batch({"input_ids": ids, "attention_mask": mask}, rows))
    return found


@pytest.fixture
def base(make_checkpoint) -> Checkpoint:
    return load_checkpoint(make_checkpoint("bert", ""))


@pytest.fixture
def slim(make_checkpoint, cut) -> Checkpoint:
    return load_checkpoint(cut(make_checkpoint("bert", ""), "drop_odd"))


def full_values(models: list[Checkpoint], given: list[Batch]) -> np.ndarray:
    states: list[list[torch.Tensor]] = []
    for batch in given:
        chunk = []
        for one in models:
            with torch.inference_mode(), watched(one) as found:
                one.model(**batch.inputs)
            mask = batch.inputs["attention_mask"].bool()
            chunk += [found[site][mask] for site in sites_of(one.facts)]
        states.append(chunk)
    values = hsic([torch.cat(parts) for parts in zip(*states, strict=True)])
    own = values.diagonal().sqrt()
    return (values / (own.unsqueeze(0) * own.unsqueeze(1))).numpy()


def test_it_comes_to_the_full_value_of_all_tokens(base, slim, monkeypatch) -> None:
    given = batches(60)
    found = measure_cka(
        {"base": base, "slim": slim}, {"base": given, "slim": given}, SILENT, seed=0
    )
    assert found.tokens == 60 * (8 * 8 + 8 * 4)
    expected = full_values([base, slim], given)
    for block, start in (("attention", 0), ("ffn", 1)):
        for rows, columns, place in (("base", "base", (0, 0)), ("base", "slim", (0, 8)),
                                     ("slim", "slim", (8, 8))):  # fmt: skip
            matrix = found.find(rows, columns, block)
            part = expected[
                place[0] + start : place[0] + 8 : 2, place[1] + start : place[1] + 8 : 2
            ]
            assert np.abs(np.array(matrix.values) - part).max() < 5e-3
            assert bool(matrix.clusters) == (rows == columns)
    assert found.find("slim", "base", "ffn") is None


def test_long_texts_give_a_few_tokens_each(base) -> None:
    found = measure_cka({"base": base}, {"base": batches(4, length=32)}, SILENT, seed=0)
    assert found.tokens == 4 * 16 * layer_cka.TOKENS_A_TEXT
    assert found.batch_size == 64
    assert found.batches == layer_cka.ROUNDS * (found.tokens // 64)


def test_the_seed_settles_it(base) -> None:
    given = {"base": batches(8, length=32)}
    one, again, other = (
        measure_cka({"base": base}, given, SILENT, seed=seed) for seed in (0, 0, 1)
    )
    assert one == again
    assert one != other


def test_a_model_beside_itself_is_the_same_model(base) -> None:
    given = batches(8)
    found = measure_cka(
        {"base": base, "slim": base}, {"base": given, "slim": given}, SILENT, seed=0
    )
    assert found.find("base", "slim", "ffn").values == pytest.approx(
        np.array(found.find("base", "base", "ffn").values)
    )


def test_other_tokens_are_not_compared(base) -> None:
    given, other = batches(4), batches(4)
    other[2].inputs["attention_mask"][:, 1:] = 0
    with pytest.raises(DataError, match="split the texts into different tokens"):
        measure_cka({"base": base, "slim": base}, {"base": given, "slim": other}, SILENT, seed=0)


def test_too_few_tokens_are_refused(base) -> None:
    ids = torch.tensor([[5, 6]])
    one = Batch({"input_ids": ids, "attention_mask": torch.ones_like(ids)}, (0,))
    with pytest.raises(DataError, match="too few texts to compare layers on"):
        measure_cka({"base": base}, {"base": [one]}, SILENT, seed=0)
