"""The tasks that BERT models are used for, and which of them a model and its data are for.

To add a task, write a module with a subclass of `Task` and name it in `TASKS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bertslim.data.feature_extraction import FeatureExtraction
from bertslim.data.fill_mask import FillMask
from bertslim.data.plain_text import PlainText
from bertslim.data.question_answering import QuestionAnswering
from bertslim.data.task import ColumnNames, HeadFacts, Task
from bertslim.data.text_classification import TextClassification
from bertslim.data.text_regression import TextRegression
from bertslim.data.token_classification import TokenClassification
from bertslim.errors import DataError
from bertslim.wording import did_you_mean, listed

if TYPE_CHECKING:
    from datasets import Dataset

# The first that the model and the data fit is taken; plain texts fit every model.
TASKS: dict[str, type[Task]] = {
    task.name: task
    for task in (
        TokenClassification,
        QuestionAnswering,
        TextRegression,
        TextClassification,
        FillMask,
        FeatureExtraction,
        PlainText,
    )
}


def choose_task(
    name: str | None, table: Dataset, column_names: ColumnNames, head: HeadFacts, *, source: str
) -> type[Task]:
    """Return the named task, else the first that the model's head and the columns fit.

    Args:
        name: As `--task` has it.
        table: The data as they came.
        column_names: The columns that were named.
        head: What stands on the encoder.
        source: What the user gave, for messages.

    Raises:
        DataError: There is no such task, the model cannot do it, or labels were named that its own
            task has no use for.
    """
    able = [task for task in TASKS.values() if task.accepts(head)]
    if name is not None:
        return _named(name, able, head)
    chosen = next(task for task in able if task.suits(table, column_names, head))
    if column_names.labels and chosen is PlainText and able[0] is not PlainText:
        raise DataError(
            f"the columns are not those of {able[0].name}, which the model is for: "
            f"{listed(table.column_names)}",
            where=source,
            remedy="leave out --label-column to compare the models on the texts alone",
        )
    return chosen


def _named(name: str, able: list[type[Task]], head: HeadFacts) -> type[Task]:
    names = [task.name for task in able]
    if name in names:
        return TASKS[name]
    if name not in TASKS:
        remedy = did_you_mean(name, TASKS) or f"use one of {listed(list(TASKS))}"
        raise DataError(f"no task {name!r}", where="--task", remedy=remedy)
    model = f"a model for {head.kind}" if head.kind else "a bare encoder"
    if head.kind is None:
        model = "a new head"
    raise DataError(f"{model} cannot do {name}", where="--task", remedy=f"use {' or '.join(names)}")
