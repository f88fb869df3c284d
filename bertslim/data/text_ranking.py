"""Ranking: passages of a query by what a reranker puts out for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from bertslim.data.metrics import Score, ndcg, reciprocal_rank
from bertslim.data.ranked_passages import (
    QUERY,
    RELEVANCE,
    holds_lists_of_passages,
    with_a_row_a_passage,
)
from bertslim.data.table_texts import columns_of, read_texts
from bertslim.data.task import LABEL, Answers, ColumnNames, HeadFacts, TaskData
from bertslim.data.text_regression import TextRegression, read_scored_texts
from bertslim.errors import DataError

if TYPE_CHECKING:
    from datasets import Dataset

    from bertslim.data.source_table import SourceTable


@dataclass(frozen=True)
class TextRanking(TextRegression):
    """Queries with passages, of which some are relevant; a query goes to one split as a whole."""

    name: ClassVar[str] = "text-ranking"
    key_columns: ClassVar[tuple[str, ...]] = ("text",)
    served_by_key: ClassVar[bool] = True

    @classmethod
    def accepts(cls, head: HeadFacts) -> bool:
        """A head with one output."""
        return super().accepts(head) and bool(head.kind)

    @classmethod
    def suits(cls, tables: Sequence[Dataset], column_names: ColumnNames, head: HeadFacts) -> bool:
        """Whether rows are queries with passages, or pairs whose queries come back.

        Pairs for a regressor have to hold relevances: others may be on the scale that it learned.
        """
        return all(
            _holds_queries(table, column_names)
            and (head.problem_type != "regression" or _holds_relevance(table))
            for table in tables
        )

    @classmethod
    def read(
        cls, sources: Sequence[SourceTable], column_names: ColumnNames, head: HeadFacts
    ) -> tuple[TaskData, ...]:
        """Read pairs of a query and a passage, with their relevance."""
        tables = [with_a_row_a_passage(source) for source in sources]
        texts = [read_texts(one.rows, column_names, source=one.source) for one in tables]
        for one, found in zip(tables, texts, strict=True):
            if len(found.columns) != 2:
                raise DataError(
                    "a ranking is of passages for queries, and there is one text a row",
                    where=one.source,
                    remedy="name both columns with --text-column",
                )
        return read_scored_texts(cls(), tables, texts, column_names)

    def score(self, table: Dataset, answers: Answers) -> tuple[Score, ...]:
        """Score how high the relevant passages of each query stand among its passages."""
        relevance = np.asarray(table[LABEL][:], dtype=np.float64)
        scores = np.asarray([answer for (answer,) in answers], dtype=np.float64)
        queries, _ = columns_of(table)
        return ndcg(queries, relevance, scores), reciprocal_rank(queries, relevance, scores)


def _holds_relevance(table: Dataset) -> bool:
    names = table.column_names
    return RELEVANCE in names or holds_lists_of_passages(names, table[0])


def _holds_queries(table: Dataset, column_names: ColumnNames) -> bool:
    if len(table) == 0:
        return False
    if holds_lists_of_passages(table.column_names, table[0]):
        return True
    first = column_names.texts[0] if len(column_names.texts) == 2 else QUERY
    if first.lower() != QUERY or first not in table.column_names:
        return False
    return 2 * len(set(table[first][:])) <= len(table)
