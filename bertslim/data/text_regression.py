"""Regression: a score a text or pair, as for similarity and reranking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bertslim.data.columns import LABEL_NAMES, SCORE_NAMES, find_label_columns
from bertslim.data.label_summaries import summarise_scores
from bertslim.data.labels import RawLabels
from bertslim.data.metrics import Score, mean_squared_error, pearson, spearman
from bertslim.data.scores import ScoreRule, holds_classes, holds_scores, settle_scores
from bertslim.data.table_texts import Texts, labelled_features, read_texts
from bertslim.data.task import LABEL, Answers, ColumnNames, Feature, HeadFacts, Rows, Task, TaskData
from bertslim.errors import DataError
from bertslim.wording import listed

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

    from bertslim.data.source_table import SourceTable
    from bertslim.data.task import Batch
    from bertslim.records import LabelSummary


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
    def suits(cls, tables: Sequence[Dataset], column_names: ColumnNames, head: HeadFacts) -> bool:
        """Without a head to go by: whether the labels are numbers that are not all whole.

        Whole numbers will do in a column that is called a score, where no column holds labels.
        """
        if head.kind is not None:
            return True
        labelled = any(set(LABEL_NAMES) & set(table.column_names) for table in tables)
        called_scores = not column_names.labels and not labelled
        names = column_names.labels or (*SCORE_NAMES, *LABEL_NAMES)
        columns = [
            table[next(name for name in names if name in table.column_names)][:]
            for table in tables
            if set(names) & set(table.column_names)
        ]
        values = [value for column in columns for value in column]
        return holds_scores(values) and (called_scores or not holds_classes(values))

    @classmethod
    def read(
        cls, sources: Sequence[SourceTable], column_names: ColumnNames, head: HeadFacts
    ) -> tuple[TaskData, ...]:
        """Read texts or pairs with their scores, if there are any."""
        on_scale = head.kind is None or head.problem_type == "regression"
        texts = [read_texts(one.rows, column_names, source=one.source) for one in sources]
        return read_scored_texts(cls(on_scale), sources, texts, column_names)

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

    def summarise_labels(self, table: Dataset) -> LabelSummary | None:
        """Give the range of the scores."""
        return summarise_scores(table[LABEL][:])

    def describe_answers(self, table: Dataset, answers: Answers) -> list[str] | None:
        """Write the score of each text."""
        return [f"{answer:.3f}" for (answer,) in answers]

    def describe_labels(self, table: Dataset) -> list[str]:
        """Write the score of each text."""
        return [f"{label:.3f}" for label in table[LABEL][:]]


def read_scored_texts(
    task: Task,
    sources: Sequence[SourceTable],
    texts: Sequence[Texts],
    column_names: ColumnNames,
    *,
    paired: bool = False,
) -> tuple[TaskData, ...]:
    """Bring texts into the form of a task, with their scores where they have any.

    Args:
        task: What they are run as.
        sources: The data as they came.
        texts: The texts of each.
        column_names: The columns that were named.
        paired: Whether only pairs of texts have scores.

    Raises:
        DataError: A named column is missing or several are named, or a row has no usable score.
    """
    found = [
        _find(source, of_source, column_names, paired=paired)
        for source, of_source in zip(sources, texts, strict=True)
    ]
    scores = [one.scores for one in found if one.scores is not None]
    rule = settle_scores(scores) if scores else None
    return tuple(_read(one, task, rule) for one in found)


@dataclass(frozen=True)
class _Found:
    """The texts of one source and what its table holds as their scores.

    Attributes:
        source: What the user gave.
        texts: Its texts.
        columns: The name of the column of scores, none where there is none.
        scores: What it holds.
        notes: What a reader of the result should know.
    """

    source: str
    texts: Texts
    columns: tuple[str, ...] = ()
    scores: RawLabels | None = None
    notes: tuple[str, ...] = ()


def _find(source: SourceTable, texts: Texts, column_names: ColumnNames, *, paired: bool) -> _Found:
    """Find the scores of texts; none where no column of numbers could hold them."""
    none = _Found(source.source, texts, notes=texts.notes)
    if column_names.labels and not texts.labelled:
        raise DataError(
            "the rows hold words or questions, not texts with scores",
            where=source.source,
            remedy="name the column of the texts with --text-column",
        )
    if not texts.labelled or (paired and len(texts.columns) != 2):
        return none
    columns = find_label_columns(
        source.rows,
        column_names.labels,
        texts.names,
        where=source.source,
        usual=(*SCORE_NAMES, *LABEL_NAMES),
    )
    if len(columns) > 1:
        raise DataError(
            f"several columns of scores: {listed(columns)}",
            where="--label-column",
            remedy="name one",
        )
    if not columns:
        return none
    scores = texts.labels_of(source, columns[0])
    why = None if column_names.labels else _why_no_scores(scores)
    if why is not None:
        return replace(none, notes=(*texts.notes, f"column {columns[0]!r} not used: {why}"))
    return replace(none, columns=columns, scores=scores)


def _why_no_scores(scores: RawLabels) -> str | None:
    """Say why a column that the user did not name holds no scores; None where it does."""
    if scores.class_names is not None:
        return f"it holds classes ({listed(scores.class_names)}), not scores"
    if scores.hidden:
        return "every score is hidden (-1)"
    return None if any(holds_scores([value]) for value in scores.values) else "it holds no numbers"


def _read(found: _Found, task: Task, rule: ScoreRule | None) -> TaskData:
    from datasets import Value

    scores = None if found.scores is None or rule is None else rule.read(found.scores)
    return TaskData(
        found.source,
        Rows(task, found.texts.table(scores, Value("float64"))),
        found.texts.names,
        found.columns,
        label_rule=None if scores is None or rule is None else rule.account,
        notes=found.notes,
    )
