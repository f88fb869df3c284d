"""What a task asks of a model's outputs: how they become predictions, and how those are scored.

To add a task, add its entry to `TASKS`; to add a metric, a function of labels and predictions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertslim.errors import DataError
from bertslim.wording import listed

Ids = NDArray[np.int64]
Logits = NDArray[np.floating[Any]]
Metric = Callable[[Ids, Ids], float]


def accuracy(labels: Ids, predictions: Ids) -> float:
    """Return the share of rows predicted right."""
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(labels, predictions))


def macro_f1(labels: Ids, predictions: Ids) -> float:
    """Return the F1 score averaged over the classes that occur, each counting the same."""
    from sklearn.metrics import f1_score

    return float(f1_score(labels, predictions, average="macro", zero_division=0))


def most_likely(logits: Logits) -> Ids:
    """Return the class of the highest logit: (rows, classes) -> (rows,)."""
    return np.asarray(logits.argmax(axis=-1), dtype=np.int64)


@dataclass(frozen=True)
class Task:
    """One kind of labelled data.

    Attributes:
        name: As the Hub calls it.
        head: What a model for it ends in, as `ModelFacts.head` has it.
        predict: Outputs to predictions that compare with the labels.
        metrics: Scores of labels and predictions by name, all a share of 1, higher is better.
    """

    name: str
    head: str
    predict: Callable[[Logits], Ids]
    metrics: Mapping[str, Metric]


TASKS = {
    task.name: task
    for task in (
        Task(
            name="text-classification",
            head="SequenceClassification",
            predict=most_likely,
            metrics={"accuracy": accuracy, "macro_f1": macro_f1},
        ),
    )
}


def task_for_head(head: str) -> Task | None:
    """Return the task that models of this head are scored on; None where there is none yet."""
    return next((task for task in TASKS.values() if task.head == head), None)


def metrics_for(task: str) -> dict[str, Metric]:
    """Return the metrics of a task by name.

    Raises:
        DataError: There is no such task.
    """
    if task not in TASKS:
        raise DataError("no such task", where=task, remedy=f"use one of {listed(list(TASKS))}")
    return dict(TASKS[task].metrics)
