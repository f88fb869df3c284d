"""Which task a model and its data are for, and what may be said about it."""

from __future__ import annotations

from typing import Any

import pytest
from datasets import Dataset

from bertslim.data.source_table import SourceTable
from bertslim.data.task import ColumnNames, HeadFacts, Task
from bertslim.data.tasks import TASKS, choose_tasks
from bertslim.errors import DataError

CLASSIFIER = HeadFacts(kind="SequenceClassification", labels=("no", "yes"), outputs=2)
RERANKER = HeadFacts(kind="SequenceClassification", outputs=1)
TAGGER = HeadFacts(kind="TokenClassification", labels=("O", "B"), outputs=2)
READER = HeadFacts(kind="QuestionAnswering", outputs=2)
MASKED = HeadFacts(kind="MaskedLM", outputs=2, predicts_words=True)
ENCODER = HeadFacts(kind="")
OTHER = HeadFacts(kind="MultipleChoice")
NEW = HeadFacts()

TEXTS = {"text": ["x"], "label": ["a"]}
SCORED = {"sentence1": ["x"], "sentence2": ["y"], "score": ["2.5"]}
WORDS = {"tokens": [["x"]], "tags": [["O"]]}
ANSWERS = [{"text": ["x"], "answer_start": [0]}]
QUESTIONS = {"question": ["q"], "context": ["x"], "answers": ANSWERS}


def choose(head: HeadFacts, columns: dict[str, Any], name: str | None = None) -> str:
    (task,) = choose_all(head, columns, name=name)
    return task


def choose_all(
    head: HeadFacts, *sources: dict[str, Any], name: str | None = None
) -> tuple[str, ...]:
    tables = [SourceTable("d", Dataset.from_dict(columns)) for columns in sources]
    return tuple(task.name for task in choose_tasks(name, tables, ColumnNames(), head))


@pytest.mark.parametrize(
    ("head", "columns", "task"),
    [
        (CLASSIFIER, TEXTS, "text-classification"),
        (CLASSIFIER, SCORED, "text-classification"),
        (CLASSIFIER, WORDS, "text-classification"),
        (RERANKER, TEXTS, "regression"),
        (RERANKER, QUESTIONS, "regression"),
        (TAGGER, WORDS, "token-classification"),
        (TAGGER, TEXTS, "plain-text"),
        (READER, QUESTIONS, "question-answering"),
        (READER, {"question": ["q"], "context": ["x"]}, "question-answering"),
        (READER, WORDS, "plain-text"),
        (MASKED, TEXTS, "fill-mask"),
        (ENCODER, SCORED, "feature-extraction"),
        (ENCODER, QUESTIONS, "feature-extraction"),
        (OTHER, TEXTS, "plain-text"),
        (NEW, TEXTS, "text-classification"),
        (NEW, SCORED, "regression"),
        (NEW, SCORED | {"score": ["2"]}, "regression"),
        (NEW, SCORED | {"score": ["2"], "label": ["2"]}, "text-classification"),
        (NEW, {"text": ["x"], "label": [3.0]}, "text-classification"),
        (NEW, WORDS, "token-classification"),
        (NEW, QUESTIONS, "question-answering"),
        (NEW, {"question": ["q"], "context": ["x"], "label": ["a"]}, "text-classification"),
    ],
)
def test_head_and_columns_settle_the_task(
    head: HeadFacts, columns: dict[str, Any], task: str
) -> None:
    assert choose(head, columns) == task


def test_a_model_takes_each_source_for_what_it_is() -> None:
    assert choose_all(TAGGER, TEXTS, WORDS) == ("plain-text", "token-classification")


def test_a_new_head_is_for_the_labels_of_all_sources() -> None:
    whole, halves = ({"text": ["x"], "label": [number]} for number in ("2", "2.5"))
    assert choose_all(NEW, whole) == ("text-classification",)
    assert choose_all(NEW, whole, halves) == ("regression", "regression")
    assert choose_all(NEW, WORDS, WORDS) == ("token-classification",) * 2


def test_a_named_task_is_taken_if_the_model_can_do_it() -> None:
    assert choose(READER, QUESTIONS, "plain-text") == "plain-text"
    assert choose(NEW, TEXTS, "regression") == "regression"
    for head, name, message in (
        (READER, "fill-mask", "a model for QuestionAnswering cannot do fill-mask; use question-"),
        (ENCODER, "regression", "a bare encoder cannot do regression; use feature-extraction or"),
        (
            RERANKER,
            "text-classification",
            "cannot do text-classification; use text-ranking or regr",
        ),
        (READER, "fil-mask", "no task 'fil-mask'; did you mean 'fill-mask'?"),
        (READER, "sorting", "no task 'sorting'; use one of token-classification, question-"),
        (NEW, "fill-mask", "a new head cannot do fill-mask; use token-classification or"),
    ):
        with pytest.raises(DataError) as caught:
            choose(head, TEXTS, name)
        assert str(caught.value).startswith("--task: ")
        assert message in str(caught.value)


def test_every_task_is_listed_by_its_name() -> None:
    assert [task.name for task in TASKS.values()] == list(TASKS)

    def below(task: type[Task]) -> set[type[Task]]:
        return {task, *(one for child in task.__subclasses__() for one in below(child))}

    tasks = {task for task in below(Task) if task.__module__.startswith("bertslim.")}
    assert tasks - {Task} == set(TASKS.values())
