"""Queries with their passages, and how models rank them, against plain loops."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bertslim.data.data_source import load_data
from bertslim.data.metrics import ndcg, reciprocal_rank
from bertslim.data.splits import split
from bertslim.data.task import HeadFacts
from bertslim.errors import DataError

RERANKER = HeadFacts(kind="SequenceClassification", outputs=1)
PAIRS = [("q", "a", 0.0), ("q", "b", 1.0), ("q", "c", 0.0), ("r", "d", 1.0), ("r", "e", 0.0)]


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def pairs(source: str) -> list[tuple[str, str, float]]:
    data = load_data(source, RERANKER)
    assert data.rows.task.name == "text-ranking"
    columns = [data.rows.table[name][:] for name in ("text", "pair", "label")]
    return list(zip(*columns, strict=True))


def test_files_of_all_forms_are_read_alike(tmp_path: Path) -> None:
    marco = [
        {"query": "q", "passages": {"passage_text": ["a", "b", "c"], "is_selected": [0, 1, 0]}},
        {"query": "r", "passages": {"passage_text": ["d", "e"], "is_selected": [1, 0]}},
    ]
    lists = [
        {"query": "q", "positive": ["b"], "negative": ["a", "c"]},
        {"query": "r", "positive": ["d"], "negative": ["e"]},
    ]
    flat = [{"query": q, "passage": p, "label": label} for q, p, label in PAIRS]
    assert pairs(write(tmp_path / "marco.jsonl", marco)) == PAIRS
    assert sorted(pairs(write(tmp_path / "lists.jsonl", lists))) == PAIRS
    assert pairs(write(tmp_path / "flat.jsonl", flat)) == PAIRS


def test_a_query_goes_to_one_split_with_all_its_passages(tmp_path: Path) -> None:
    rows = [
        {"query": f"query {n}", "positive": [f"yes {n}"], "negative": [f"no {n}", f"never {n}"]}
        for n in range(60)
    ]
    splits = split(load_data(write(tmp_path / "rows.jsonl", rows), RERANKER))
    seen = [set(rows.table["text"][:]) for rows in (splits.fit, splits.select, splits.report)]
    assert sum(map(len, seen)) == len(set().union(*seen)) == 60


@pytest.mark.parametrize(
    "rows",
    [
        [{"sentence1": "a", "sentence2": c, "score": 0.5} for c in "xyz"],
        [{"query": f"q{n}", "passage": "p", "label": 1.0} for n in range(4)],
    ],
)
def test_pairs_that_are_no_rankings_are_scored_one_by_one(
    tmp_path: Path, rows: list[dict[str, Any]]
) -> None:
    data = load_data(write(tmp_path / "pairs.jsonl", rows), RERANKER)
    assert data.rows.task.name == "regression"


@pytest.mark.parametrize(
    ("column", "task"), [("relevance", "text-ranking"), ("score", "regression")]
)
def test_a_regressor_ranks_what_holds_relevances(tmp_path: Path, column: str, task: str) -> None:
    rows = [{"query": q, "passage": p, column: gain} for q, p, gain in PAIRS]
    regressor = replace(RERANKER, problem_type="regression")
    data = load_data(write(tmp_path / "pairs.jsonl", rows), regressor)
    assert data.rows.task.name == task


def test_passages_without_relevance_are_told_by_their_row(tmp_path: Path) -> None:
    rows = [
        {"query": "q", "passages": {"passage_text": ["a"], "is_selected": [1]}},
        {"query": "r", "passages": {"passage_text": ["a", "b"], "is_selected": [1]}},
    ]
    with pytest.raises(DataError, match="row 2: 'passages' holds no passage_text with is_selected"):
        load_data(write(tmp_path / "rows.jsonl", rows), RERANKER)


def plain_ndcg(gains: Sequence[float], scores: Sequence[float]) -> float:
    def total(order: Sequence[int]) -> float:
        return sum(gains[i] / math.log2(place + 2) for place, i in enumerate(order[:10]))

    by_score = sorted(range(len(gains)), key=lambda i: -scores[i])
    return total(by_score) / total(sorted(range(len(gains)), key=lambda i: -gains[i]))


def plain_mrr(gains: Sequence[float], scores: Sequence[float]) -> float:
    by_score = sorted(range(len(gains)), key=lambda i: -scores[i])
    places = [place for place, i in enumerate(by_score, start=1) if gains[i] > 0]
    return 1 / places[0] if places[0] <= 10 else 0.0


def test_scores_are_means_over_queries_also_in_each_resample() -> None:
    draw = np.random.default_rng(0)
    queries = [f"q{n % 7}" for n in range(140)] + ["all"] * 3 + ["none"] * 3
    gains = np.concatenate(
        [draw.integers(0, 3, 140) * (draw.random(140) < 0.2), [1, 2, 1, 0, 0, 0]]
    )
    gains = gains.astype(float)
    gains[:7] = 1
    scores = draw.normal(size=len(gains))
    weights = draw.integers(0, 3, (4, 7)).astype(float)
    for metric, plain in ((ndcg, plain_ndcg), (reciprocal_rank, plain_mrr)):
        each = [
            plain(
                [g for g, q in zip(gains, queries, strict=True) if q == f"q{n}"],
                [s for s, q in zip(scores, queries, strict=True) if q == f"q{n}"],
            )
            for n in range(7)
        ]
        score = metric(queries, gains, scores)
        assert (score.rows, score.value) == (7, pytest.approx(np.mean(each)))
        expected = (weights @ np.array(each)) / weights.sum(axis=1)
        assert score.resampled(weights) == pytest.approx(expected)


def test_equal_scores_are_no_merit() -> None:
    queries, gains, same = ["q"] * 4, np.array([1.0, 0, 0, 0]), np.zeros(4)
    assert reciprocal_rank(queries, gains, same).value == 0.25
    places = [1 / math.log2(place + 2) for place in range(4)]
    assert ndcg(queries, gains, same).value == pytest.approx(np.mean(places))


def test_without_a_query_that_tells_models_apart_nothing_is_scored() -> None:
    score = ndcg(["q", "q"], np.ones(2), np.zeros(2))
    assert not score.defined
