"""The tasks that BERT models are used for, and which of them a model and its data are for.

To add a task, write a module with a subclass of `Task` and name it in `TASKS`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bertslim.data.feature_extraction import FeatureExtraction
from bertslim.data.fill_mask import FillMask
from bertslim.data.plain_text import PlainText
from bertslim.data.question_answering import QuestionAnswering
from bertslim.data.task import ColumnNames, HeadFacts, Task
from bertslim.data.text_classification import TextClassification
from bertslim.data.text_ranking import TextRanking
from bertslim.data.text_regression import TextRegression
from bertslim.data.token_classification import TokenClassification
from bertslim.errors import DataError
from bertslim.wording import did_you_mean, listed

if TYPE_CHECKING:
    from bertslim.data.source_table import SourceTable

# The first that the model and the data fit is taken; plain texts fit every model.
TASKS: dict[str, type[Task]] = {
    task.name: task
    for task in (
        TokenClassification,
        QuestionAnswering,
        TextRanking,
        TextRegression,
        TextClassification,
        FillMask,
        FeatureExtraction,
        PlainText,
    )
}


def choose_tasks(
    name: str | None, sources: Sequence[SourceTable], column_names: ColumnNames, head: HeadFacts
) -> tuple[type[Task], ...]:
    """Return the named task, else for each source the first that the head and the columns fit.

    A head that is yet to be made is for the labels of all sources, and so for one task.

    Args:
        name: As `--task` has it.
        sources: The data as they came.
        column_names: The columns that were named.
        head: What stands on the encoder.

    Raises:
        DataError: There is no such task, the model cannot do it, or labels were named that its own
            task has no use for.
    """
    able = [task for task in TASKS.values() if task.accepts(head)]
    if name is not None:
        return (_named(name, able, head),) * len(sources)
    if head.kind is None:
        tables = [source.rows for source in sources]
        chosen = next(task for task in able if task.suits(tables, column_names, head))
        return (chosen,) * len(sources)
    return tuple(_chosen(able, source, column_names, head) for source in sources)


def _chosen(
    able: Sequence[type[Task]], source: SourceTable, column_names: ColumnNames, head: HeadFacts
) -> type[Task]:
    chosen = next(task for task in able if task.suits([source.rows], column_names, head))
    if column_names.labels and chosen is PlainText and able[0] is not PlainText:
        raise DataError(
            f"the columns are not those of {able[0].name}, which the model is for: "
            f"{listed(source.rows.column_names)}",
            where=source.source,
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
