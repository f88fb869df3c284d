"""Regression: a score a text or pair, as for similarity and reranking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bertslim.data.columns import LABEL_NAMES, SCORE_NAMES, class_names, find_label_columns
from bertslim.data.metrics import Score, mean_squared_error, pearson, spearman
from bertslim.data.table_texts import Texts, labelled_features, read_texts
from bertslim.data.task import LABEL, Answers, ColumnNames, Feature, HeadFacts, Rows, Task, TaskData
from bertslim.errors import DataError
from bertslim.wording import listed

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

    from bertslim.data.task import Batch
import math

from bertslim.data.labels import REMEDY


@dataclass(frozen=True)
class TextRegression(Task):
    """Scores of texts.

    Attributes:
        on_scale: Whether the model puts out scores on the scale of the data. A reranker's logits
            only order texts, so that their squared error has no meaning.
    """

    on_scale: bool = False

    name: ClassVar[str] = "regression"
    trainable: ClassVar[bool] = True
    head: ClassVar[str] = "SequenceClassification"
    outputs: ClassVar[int] = 1

    @classmethod
    def accepts(cls, head: HeadFacts) -> bool:
        """A head with one output, or none yet."""
        return head.kind is None or (head.kind == cls.head and head.outputs == 1)

    @classmethod
    def suits(cls, table: Dataset, column_names: ColumnNames, head: HeadFacts) -> bool:
        """Without a head to go by: whether the labels are numbers that are not all whole."""
        if head.kind is not None:
            return True
        names = column_names.labels or (*SCORE_NAMES, *LABEL_NAMES)
        columns = [name for name in names if name in table.column_names]
        values = [as_number(value) for value in table[columns[0]][:]] if columns else []
        numbers = [value for value in values if value is not None]
        fractions = any(not number.is_integer() for number in numbers)
        return fractions and len(numbers) == len(values)

    @classmethod
    def read(
        cls, table: Dataset, column_names: ColumnNames, head: HeadFacts, *, source: str
    ) -> TaskData:
        """Read texts or pairs with their scores, if there are any."""
        texts = read_texts(table, column_names, source=source)
        columns, scores = read_text_scores(table, column_names, texts, source=source)
        on_scale = head.kind is None or head.problem_type == "regression"
        return TaskData(
            source,
            Rows(cls(on_scale), scored_table(texts, scores)),
            texts.names,
            columns,
            notes=texts.notes,
        )

    @property
    def problem_type(self) -> str | None:
        """The mean squared error."""
        return "regression"

    def features(
        self, table: Dataset, tokenizer: PreTrainedTokenizerBase, max_length: int, *, label: bool
    ) -> list[Feature]:
        """Tokenise texts or pairs; the target is the score."""
        return labelled_features(table, tokenizer, max_length, table[LABEL][:] if label else None)

    def answers(self, outputs: Any, batch: Batch) -> list[Any]:
        """Read the output, a number a text."""
        scores: list[Any] = outputs.logits[:, 0].double().tolist()
        return scores

    def score(self, table: Dataset, answers: Answers) -> tuple[Score, ...]:
        """Score Spearman's and Pearson's correlation, and where it means something the error."""
        truth = np.asarray(table[LABEL][:], dtype=np.float64)
        predictions = np.asarray([answer for (answer,) in answers], dtype=np.float64)
        metrics = (spearman, pearson, *((mean_squared_error,) if self.on_scale else ()))
        return tuple(metric(truth, predictions) for metric in metrics)

    def describe_answers(self, table: Dataset, answers: Answers) -> list[str] | None:
        """Write the score of each text."""
        return [f"{answer:.3f}" for (answer,) in answers]

    def describe_labels(self, table: Dataset) -> list[str]:
        """Write the score of each text."""
        return [f"{label:.3f}" for label in table[LABEL][:]]


def read_text_scores(
    table: Dataset, column_names: ColumnNames, texts: Texts, *, source: str
) -> tuple[tuple[str, ...], list[float] | None]:
    """Find and read the scores of texts; none where no column of numbers could hold them.

    Raises:
        DataError: A named column is missing or several are named, or a row has no usable score.
    """
    if column_names.labels and not texts.labelled:
        raise DataError(
            "the rows hold words or questions, not texts with scores",
            where=source,
            remedy="name the column of the texts with --text-column",
        )
    if not texts.labelled:
        return (), None
    usual = (*SCORE_NAMES, *LABEL_NAMES)
    columns = find_label_columns(table, column_names.labels, texts.names, where=source, usual=usual)
    if len(columns) > 1:
        raise DataError(
            f"several columns of scores: {listed(columns)}",
            where="--label-column",
            remedy="name one",
        )
    if not columns or not (column_names.labels or _are_scores(table, columns[0])):
        return (), None
    values = table[columns[0]][:]
    kept: Sequence[object] = [values[row] for row in texts.kept]
    return columns, read_scores(kept, [row + 1 for row in texts.kept], where=source)


def scored_table(texts: Texts, scores: list[float] | None) -> Dataset:
    """Make a table of texts and, where there are any, their scores."""
    from datasets import Value

    return texts.table(scores, Value("float64"))


def _are_scores(table: Dataset, name: str) -> bool:
    """Whether a column, not named by the user, holds numbers that are no classes."""
    numbers = (as_number(value) is not None for value in table[name][:])
    return class_names(table, name) is None and any(numbers)


def read_scores(values: Sequence[object], rows: Sequence[int], *, where: str) -> list[float]:
    """Turn scores into numbers.

    Args:
        values: Scores as the table holds them.
        rows: The row number of each, from 1, for messages.
        where: The source, for messages.

    Raises:
        DataError: A row has no score, or something that is no finite number.
    """
    scores = []
    for value, row in zip(values, rows, strict=True):
        number = as_number(value)
        if number is None:
            missing = value is None or not str(value).strip()
            what = "no score" if missing else f"the score {value!r} is no finite number"
            raise DataError(f"row {row}: {what}", where=where, remedy=REMEDY)
        scores.append(number)
    return scores


def as_number(value: object) -> float | None:
    """Return a value as a finite number; None where it is none."""
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if math.isfinite(number) else None
