from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bertslim.data.data_options import DataOptions
from bertslim.data.load import load_splits
from bertslim.data.sampling import draw_rows
from bertslim.data.task import HeadFacts, Rows
from bertslim.progress import Progress


@pytest.fixture
def rows(tmp_path: Path) -> Rows:
    """Return a hundred texts or so, those of even number ten times as long."""
    texts = [f"{n:03} " + "a" * (96 if n % 2 == 0 else 6) for n in range(160)]
    (tmp_path / "a.txt").write_text("\n".join(texts), encoding="utf-8")
    data = DataOptions(str(tmp_path / "a.txt"))
    return load_splits(data, HeadFacts(kind=""), Progress(visible=False)).fit


def test_rows_are_drawn_once_each_and_keep_their_order(rows: Rows) -> None:
    drawn = draw_rows(rows, 30, seed=0)
    texts = list(drawn.texts())
    assert len(drawn) == len(set(texts)) == 30
    assert texts == sorted(texts)
    assert set(texts) < set(rows.texts())


def test_the_seed_settles_the_draw(rows: Rows) -> None:
    first, again, other = (list(draw_rows(rows, 30, seed=seed).texts()) for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_long_texts_are_drawn_before_short_ones(rows: Rows) -> None:
    lengths: Counter[int] = Counter()
    for seed in range(40):
        lengths.update(len(text) for text in draw_rows(rows, 10, seed=seed).texts())
    longs = sum(len(text) == 100 for text in rows.texts())
    shorts = len(rows) - longs
    ratio = (lengths[100] / longs) / (lengths[10] / shorts)
    assert 5 < ratio < 15


def test_where_there_are_no_more_all_are_taken(rows: Rows) -> None:
    assert draw_rows(rows, len(rows), seed=0) is rows
    assert draw_rows(rows, 10**6, seed=0) is rows
