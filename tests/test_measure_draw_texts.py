"""Texts that are drawn from data, as each model reads them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bertslim.data.data_options import DataOptions
from bertslim.errors import InputError
from bertslim.measure import draw_texts as module
from bertslim.measure.draw_texts import draw_texts
from support.tiny_onnx import write_tiny_onnx

WORDS = ("good", "bad", "film")


@pytest.fixture
def data(tmp_path: Path) -> DataOptions:
    path = tmp_path / "texts.csv"
    texts = [" ".join(WORDS[n % 3] for n in range(count)) for count in range(1, 31)]
    path.write_text("text\n" + "\n".join(texts) + "\n")
    return DataOptions(data=str(path))


@pytest.fixture
def base(make_checkpoint: Callable[..., Path]) -> Path:
    return make_checkpoint("bert", tokenizer=True)


def test_every_row_once_in_a_random_order_that_the_seed_settles(
    base: Path, data: DataOptions
) -> None:
    drawn = draw_texts([base], data, seed=1)[base]
    assert drawn.source == data.data
    assert sorted(drawn.lengths) == [count + 2 for count in range(1, 31)], "with [CLS] and [SEP]"
    assert list(drawn.lengths) != sorted(drawn.lengths), "as they come, not by length"
    again, other = (draw_texts([base], data, seed=seed)[base] for seed in (1, 2))
    assert [list(ids) for ids in again.ids] == [list(ids) for ids in drawn.ids]
    assert list(other.lengths) != list(drawn.lengths)


def test_no_more_rows_than_are_timed(
    base: Path, data: DataOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_TEXTS", 7)
    assert len(draw_texts([base], data, seed=0)[base]) == 7


def test_each_model_reads_the_same_rows_with_its_own_tokenizer(
    base: Path, data: DataOptions, prune_vocabulary: Callable[..., Path]
) -> None:
    pruned = prune_vocabulary(base, ["good film"])
    drawn = draw_texts([base, pruned], data, seed=0)
    assert (drawn[base].lengths != drawn[pruned].lengths).any(), "it spells bad in letters"
    for whole, slim in zip(drawn[base].ids, drawn[pruned].ids, strict=True):
        assert len(slim) >= len(whole)


def test_texts_are_cut_where_the_model_ends(
    make_checkpoint: Callable[..., Path], data: DataOptions
) -> None:
    short = make_checkpoint("bert", tokenizer=True, max_position_embeddings=16)
    assert draw_texts([short], data, seed=0)[short].lengths.max() == 16


def test_an_exported_file_is_read_with_the_tokenizer_beside_or_above_it(
    base: Path, data: DataOptions, tmp_path: Path
) -> None:
    shutil.copytree(base, tmp_path / "result")
    file = tmp_path / "result" / "onnx" / "model.onnx"
    file.parent.mkdir()
    write_tiny_onnx(file)
    drawn = draw_texts([base, file], data, seed=0)
    assert [list(ids) for ids in drawn[file].ids] == [list(ids) for ids in drawn[base].ids]


def test_a_model_without_a_tokenizer_is_refused(
    make_checkpoint: Callable[..., Path], data: DataOptions
) -> None:
    bare = make_checkpoint("bert")
    with pytest.raises(InputError, match="has no tokenizer to read texts with"):
        draw_texts([bare], data, seed=0)


def test_the_passages_of_a_query_stay_together(
    make_checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    reranker = make_checkpoint("bert", "SequenceClassification", tokenizer=True, num_labels=1)
    path = tmp_path / "queries.csv"
    pairs = [
        f"{'good ' * query},{'bad ' * place},0" for place in (1, 2, 3) for query in range(1, 9)
    ]
    path.write_text("query,passage,label\n" + "\n".join(pairs) + "\n")
    drawn = draw_texts([reranker], DataOptions(data=str(path)), seed=0)[reranker]
    good = drawn.ids[0][1]
    queries = [int((ids == good).sum()) for ids in drawn.ids]
    assert queries[::3] != sorted(queries[::3]), "in a random order"
    assert queries == [query for query in queries[::3] for _ in range(3)]
    assert set(queries) == set(range(1, 9))
