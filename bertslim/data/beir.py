"""Data sets in the form of BEIR -> a row for each query and each of its candidate passages.

The form is that of "BEIR: A Heterogenous Benchmark for Zero-shot Evaluation of Information
Retrieval Models" (arXiv 2104.08663): `corpus.jsonl`, `queries.jsonl`, and a file of judgements a
split in `qrels/`. Judgements alone are mostly of relevant passages, so a reranker is also given
those that a search for words finds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bertslim.arrays import IntArray
from bertslim.data.data_directory import choose_files
from bertslim.data.file_formats.file_kinds import read_file
from bertslim.data.ranked_passages import table_of_pairs
from bertslim.data.source_table import SourceTable
from bertslim.errors import DataError
from bertslim.wording import listed, shown

CANDIDATES = 100  # passages a query, as rerankers are usually given
_CORPUS, _QUERIES, _JUDGEMENTS = "corpus.jsonl", "queries.jsonl", "qrels"
_ID, _TITLE, _TEXT = "_id", "title", "text"
_QUERY_ID, _PASSAGE_ID, _SCORE = "query-id", "corpus-id", "score"
_QUERIES_AT_ONCE = 64


def is_beir(path: Path) -> bool:
    """Whether a path is such a data set, or a file of judgements in one."""
    root = _root_of(path)
    return all((root / name).is_file() for name in (_CORPUS, _QUERIES)) and (
        (root / _JUDGEMENTS).is_dir()
    )


def read_beir(path: Path, source: str) -> SourceTable:
    """Read the queries that are judged, with `CANDIDATES` passages each.

    The passages of a query are all that are judged, and those nearest to it by the cosine of TF-IDF
    vectors, which count as not relevant.

    Args:
        path: The directory, or a file of judgements in it.
        source: What the user gave.

    Raises:
        DataError: A file is broken or lacks a column, or a judgement is of what is not there.
    """
    root = _root_of(path)
    collection = _Collection.read(root)
    if path.is_file():
        return replace(collection.ranking([path], source), source=source)
    files = sorted((root / _JUDGEMENTS).glob("*.tsv"))
    if not files:
        raise DataError(f"there is no .tsv in {_JUDGEMENTS}", where=source)
    chosen = choose_files(files, source)
    table = collection.ranking(chosen.read, source)
    held_out = [
        collection.ranking(split, str(root / _JUDGEMENTS / split[0].name))
        for split in chosen.held_out[:1]
    ]
    return replace(table, held_out=held_out[0] if held_out else None)


def _root_of(path: Path) -> Path:
    return path.parent.parent if path.parent.name == _JUDGEMENTS else path


@dataclass(frozen=True)
class _Collection:
    """The queries and passages of a data set.

    Attributes:
        queries: The texts by their ids.
        passages: The texts, with their titles before them.
        places: The place of each passage by its id.
    """

    queries: dict[str, str]
    passages: list[str]
    places: dict[str, int]

    @classmethod
    def read(cls, root: Path) -> _Collection:
        queries = _rows(root / _QUERIES, (_ID, _TEXT))
        passages = _rows(root / _CORPUS, (_ID, _TEXT))
        return cls(
            {str(row[_ID]): str(row[_TEXT]) for row in queries},
            [f"{row.get(_TITLE) or ''} {row[_TEXT]}".strip() for row in passages],
            {str(row[_ID]): place for place, row in enumerate(passages)},
        )

    def ranking(self, files: Sequence[Path], source: str) -> SourceTable:
        """Return the queries that files judge, with their candidates."""
        judged = self._judged(files)
        nearest = nearest_passages(
            [self.queries[query] for query in judged], self.passages, CANDIDATES
        )
        pairs = [
            (self.queries[query], self.passages[place], relevance)
            for (query, relevances), near in zip(judged.items(), nearest, strict=True)
            for place, relevance in _candidates(relevances, near)
        ]
        account = (
            f"BEIR, {listed([file.name for file in files])}: {len(judged)} queries, "
            f"up to {CANDIDATES} of {len(self.passages)} passages each: "
            "the judged ones and the nearest by TF-IDF"
        )
        return SourceTable(source, table_of_pairs(pairs), reading=(account,))

    def _judged(self, files: Sequence[Path]) -> dict[str, dict[int, float]]:
        """Return the relevance of each judged passage, by its place, for each query."""
        judged: dict[str, dict[int, float]] = {}
        for file in files:
            for number, row in enumerate(_rows(file, (_QUERY_ID, _PASSAGE_ID, _SCORE)), start=1):
                query, passage = str(row[_QUERY_ID]), str(row[_PASSAGE_ID])
                for name, known, where in (
                    (query, self.queries, _QUERIES),
                    (passage, self.places, _CORPUS),
                ):
                    if name not in known:
                        raise DataError(
                            f"row {number} judges {shown(name)}, which {where} lacks",
                            where=str(file),
                        )
                score = max(0.0, _number(row[_SCORE], number, file))
                judged.setdefault(query, {})[self.places[passage]] = score
        return judged


def _rows(file: Path, columns: Sequence[str]) -> list[dict[str, Any]]:
    table = read_file(file, columns, where=str(file)).rows
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        raise DataError(f"there is no column {listed(missing)}", where=str(file))
    rows: list[dict[str, Any]] = table.to_list()
    return rows


def _number(text: object, row: int, file: Path) -> float:
    try:
        return float(str(text))
    except ValueError as error:
        raise DataError(f"row {row}: {shown(text)} is no number", where=str(file)) from error


def _candidates(relevances: dict[int, float], nearest: IntArray) -> Iterator[tuple[int, float]]:
    yield from relevances.items()
    others = [int(place) for place in nearest if int(place) not in relevances]
    for place in others[: max(0, CANDIDATES - len(relevances))]:
        yield place, 0.0


def nearest_passages(queries: Sequence[str], passages: Sequence[str], count: int) -> IntArray:
    """Return the passages whose TF-IDF vectors have the largest cosine with that of each query.

    Args:
        queries: Texts.
        passages: Texts.
        count: How many a query, at most.

    Returns:
        Places of passages, (queries, count), the nearest first; equally near ones in their order.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    count = min(count, len(passages))
    vectorizer = TfidfVectorizer(sublinear_tf=True, dtype=np.float32)
    columns = vectorizer.fit_transform(passages).T.tocsr()
    found = np.empty((len(queries), count), dtype=np.int64)
    for start in range(0, len(queries), _QUERIES_AT_ONCE):
        part = slice(start, start + _QUERIES_AT_ONCE)
        cosines = (vectorizer.transform(queries[part]) @ columns).toarray()
        found[part] = np.argsort(-cosines, axis=1, kind="stable")[:, :count]
    return found
