"""Words that no score counts: those with the tag -100."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from datasets import Dataset

from bertslim.data.source_table import SourceTable
from bertslim.data.task import IGNORED, ColumnNames, HeadFacts, TaskData
from bertslim.data.token_classification import TokenClassification

NAMES = ("O", "B-X", "I-X")
HEAD = HeadFacts(kind="TokenClassification", labels=NAMES, outputs=3)
WORDS = [["a", "b", "c"], ["d"]]


def read(*tags: list[list[Any]]) -> tuple[TaskData, ...]:
    tables = [Dataset.from_dict({"tokens": WORDS, "ner_tags": own}) for own in tags]
    sources = [SourceTable(f"{number}", table) for number, table in enumerate(tables)]
    return TokenClassification.read(sources, ColumnNames(), HEAD)


@pytest.mark.parametrize("tags", [[[1, IGNORED, 2], [IGNORED]], [["B-X", "-100", "I-X"], ["-100"]]])
def test_ignored_words_are_no_part_of_scores_and_counts(tags: list[list[Any]]) -> None:
    (data,) = read(tags)
    task, table = data.rows.task, data.rows.table
    assert table["label"][:] == [[1, IGNORED, 2], [IGNORED]]
    answers = [[np.array([1, 2, 2])], [np.array([0])]]
    assert {one.name: one.value for one in task.score(table, answers)} == {
        "span_f1": 1,
        "span_precision": 1,
        "span_recall": 1,
        "token_accuracy": 1,
    }
    counts = task.summarise_labels(table).counts
    assert [(one.name, one.count) for one in counts] == [("X", 1)]
    assert task.describe_labels(table) == ["a (X), c (X)", "none"]


def test_tags_of_all_sources_are_read_by_one_rule() -> None:
    first, second = read([[0, 1, 2], [0]], [[0, 0, 0], [1]])
    assert first.label_rule == second.label_rule
    assert first.label_rule == "3 classes, read as ids, as the model's classes are numbered"


def test_tags_that_all_mark_ignored_words_are_none() -> None:
    (data,) = read([[IGNORED] * 3, [IGNORED]])
    assert not data.rows.labelled
    assert data.notes == ("every tag in column 'ner_tags' is -100, which marks words not to count",)
