"""Data sets in the form of BEIR, and the candidates of their queries."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from bertslim.data import beir
from bertslim.data.beir import nearest_passages
from bertslim.data.data_source import load_data, read_source
from bertslim.data.task import HeadFacts
from bertslim.errors import DataError

RERANKER = HeadFacts(kind="SequenceClassification", outputs=1)
PASSAGES = {
    "p1": ("Parcels", "are returned within thirty days"),
    "p2": ("", "our offices are closed on sundays"),
    "p3": ("Refunds", "of parcels take a week"),
    "p4": ("", "cats sleep all day"),
    "p5": ("", "dogs bark at the parcels of the post"),
}
QUERIES = {"1": "return parcels", "2": "when are the offices closed", "3": "never judged"}


def write_lines(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def data_set(tmp_path: Path) -> Path:
    write_lines(
        tmp_path / "corpus.jsonl",
        [{"_id": key, "title": t, "text": x, "metadata": {}} for key, (t, x) in PASSAGES.items()],
    )
    write_lines(tmp_path / "queries.jsonl", [{"_id": key, "text": x} for key, x in QUERIES.items()])
    (tmp_path / "qrels").mkdir()
    judge(tmp_path, "test", [("1", "p4", 0), ("1", "p1", 2), ("2", "p2", 1)])
    return tmp_path


def judge(folder: Path, split: str, judged: Sequence[tuple[str, str, object]]) -> None:
    lines = [("query-id", "corpus-id", "score"), *judged]
    text = "".join("\t".join(map(str, line)) + "\n" for line in lines)
    (folder / "qrels" / f"{split}.tsv").write_text(text)


def ranking(source: Path) -> list[tuple[str, str, float]]:
    data = load_data(str(source), RERANKER)
    assert data.rows.task.name == "text-ranking"
    columns = [data.rows.table[name][:] for name in ("text", "pair", "label")]
    return list(zip(*columns, strict=True))


def test_judged_passages_come_first_and_the_nearest_others_fill_up(
    data_set: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beir, "CANDIDATES", 3)
    first, second = "return parcels", "when are the offices closed"
    assert ranking(data_set)[:3] == [
        (first, "cats sleep all day", 0.0),
        (first, "Parcels are returned within thirty days", 2.0),
        (first, "Refunds of parcels take a week", 0.0),
    ]
    others = ranking(data_set)[3:]
    assert others[0] == (second, "our offices are closed on sundays", 1.0)
    assert len(others) == 3


def test_small_collections_are_candidates_as_a_whole(data_set: Path) -> None:
    rows = ranking(data_set)
    assert len(rows) == len(set(rows)) == 2 * len(PASSAGES)
    assert sum(relevance > 0 for _, _, relevance in rows) == 2


def test_queries_of_train_are_read_and_those_of_test_are_set_apart(data_set: Path) -> None:
    judge(data_set, "train", [("2", "p2", 1)])
    judge(data_set, "dev", [("3", "p5", 1)])
    table = read_source(str(data_set))
    assert set(table.rows["query"][:]) == {QUERIES["2"]}
    assert table.held_out is not None
    assert set(table.held_out.rows["query"][:]) == {QUERIES["1"], QUERIES["2"]}
    assert table.reading == (
        "BEIR, train.tsv: 1 queries, up to 100 of 5 passages each: "
        "the judged ones and the nearest by TF-IDF",
    )


def test_a_file_of_judgements_stands_for_its_queries(data_set: Path) -> None:
    judge(data_set, "dev", [("3", "p5", 1)])
    assert {query for query, _, _ in ranking(data_set / "qrels" / "dev.tsv")} == {QUERIES["3"]}


def test_scores_below_nought_are_not_relevant(data_set: Path) -> None:
    judge(data_set, "test", [("1", "p4", -1), ("1", "p1", 1)])
    assert {relevance for _, _, relevance in ranking(data_set)} == {0.0, 1.0}


@pytest.mark.parametrize(
    ("judged", "message"),
    [
        (("9", "p1", 1), "row 1 judges '9', which queries.jsonl lacks"),
        (("1", "p9", 1), "row 1 judges 'p9', which corpus.jsonl lacks"),
        (("1", "p1", "yes"), "row 1: 'yes' is no number"),
    ],
)
def test_judgements_that_fit_nothing_are_named(
    data_set: Path, judged: tuple[str, str, object], message: str
) -> None:
    judge(data_set, "test", [judged])
    with pytest.raises(DataError, match=message):
        ranking(data_set)


def test_a_collection_without_judgements_is_refused(data_set: Path) -> None:
    (data_set / "qrels" / "test.tsv").unlink()
    with pytest.raises(DataError, match=r"there is no \.tsv in qrels"):
        ranking(data_set)


def test_the_nearest_share_rare_words() -> None:
    passages = ["the cat sat", "the dog sat", "a zebra", "the the the"]
    found = nearest_passages(["zebra cat", "dog"], passages, 2)
    assert set(found[0]) == {0, 2}
    assert found[1][0] == 1
    assert nearest_passages(["unknown"], passages, 9).tolist() == [[0, 1, 2, 3]]
