"""Text classification: one label a text or pair, or any number of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bertslim.arrays import IntArray
from bertslim.data import pydocs
from bertslim.data.class_counts import ClassCounts, count_classes
from bertslim.data.columns import class_names, find_label_columns, holds_lists
from bertslim.data.label_sets import read_label_columns, read_label_sets
from bertslim.data.labels import Labels, read_labels
from bertslim.data.metrics import Score, accuracy, macro_f1, matthews, mean_score, micro_f1
from bertslim.data.table_texts import Texts, labelled_features, read_texts
from bertslim.data.task import LABEL, Answers, ColumnNames, Feature, HeadFacts, Rows, Task, TaskData
from bertslim.errors import DataError

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

    from bertslim.data.task import Batch

MULTI_LABEL = "multi_label_classification"


@dataclass(frozen=True)
class TextClassification(Task):
    """Classes of texts.

    Attributes:
        several: Whether a text may have any number of labels, each of which is a yes or a no.
        classes: The names of the labels in the order of their ids, as far as they are known.
    """

    several: bool = False
    classes: tuple[str, ...] = ()

    name: ClassVar[str] = "text-classification"
    trainable: ClassVar[bool] = True
    head: ClassVar[str] = "SequenceClassification"

    @classmethod
    def accepts(cls, head: HeadFacts) -> bool:
        """A head with an output a class, or none yet."""
        classes = head.kind == cls.head and head.outputs > 1 and head.problem_type != "regression"
        return classes or head.kind is None

    @classmethod
    def read(
        cls, table: Dataset, column_names: ColumnNames, head: HeadFacts, *, source: str
    ) -> TaskData:
        """Read texts with their labels, if there are any that are classes of texts."""
        texts = read_texts(table, column_names, source=source)
        columns = _label_columns(table, column_names, texts, head, source=source)
        several = head.problem_type == MULTI_LABEL or (
            head.kind is None and (len(columns) > 1 or any(holds_lists(table, c) for c in columns))
        )
        data = TaskData(
            source,
            Rows(cls(several, tuple(head.labels or ())), texts.table()),
            texts.names,
            notes=texts.notes,
        )
        if not columns:
            return data
        try:
            labels = _read(table, columns, texts, head, several=several, source=source)
        except DataError as error:
            # The demonstration data are good texts for any model; their classes are their own.
            if column_names.labels or source != pydocs.NAME:
                raise
            return replace(data, notes=(*texts.notes, f"labels not used: {error.what}"))
        return replace(
            data,
            rows=Rows(cls(several, labels.names), texts.table(labels.ids, _kind(several))),
            label_columns=columns,
            label_names=labels.names,
            notes=(*texts.notes, *labels.notes),
        )

    @property
    def problem_type(self) -> str | None:
        """One label a text, or any number."""
        return MULTI_LABEL if self.several else "single_label_classification"

    def features(
        self, table: Dataset, tokenizer: PreTrainedTokenizerBase, max_length: int, *, label: bool
    ) -> list[Feature]:
        """Tokenise texts or pairs; the target is the class, or a 0. or 1. for each."""
        labels = table[LABEL][:] if label else None
        if labels is not None and self.several:
            labels = [[float(member) for member in members] for members in labels]
        return labelled_features(table, tokenizer, max_length, labels)

    def answers(self, outputs: Any, batch: Batch) -> list[Any]:
        """Read the class of the highest logit, or of each class whether its logit is positive."""
        logits = outputs.logits
        chosen = (logits > 0).long() if self.several else logits.argmax(dim=-1)
        return list(chosen.cpu().numpy())

    def score(self, table: Dataset, answers: Answers) -> tuple[Score, ...]:
        """Score accuracy, macro F1 and MCC, or of several labels micro and macro F1 and subsets."""
        labels, predictions = _ids(table, answers)
        if not self.several:
            return tuple(metric(labels, predictions) for metric in (accuracy, macro_f1, matthews))
        same = (labels == predictions).all(axis=1)
        return (
            micro_f1(labels, predictions),
            macro_f1(labels, predictions),
            mean_score("subset_accuracy", same),
        )

    def count_classes(self, table: Dataset, answers: Answers) -> ClassCounts | None:
        """Count each label."""
        return count_classes(self.classes, *_ids(table, answers))

    def describe_answers(self, table: Dataset, answers: Answers) -> list[str] | None:
        """Name the class of each text, or all that it has."""
        return [self._named(answer) for (answer,) in answers] if self.classes else None

    def describe_labels(self, table: Dataset) -> list[str]:
        """Name the class of each text, or all that it has."""
        return [self._named(label) for label in table[LABEL][:]]

    def _named(self, label: Any) -> str:
        if not self.several:
            return self.classes[int(label)]
        held = [name for name, held in zip(self.classes, label, strict=True) if held]
        return ", ".join(held) or "none"


def _ids(table: Dataset, answers: Answers) -> tuple[IntArray, IntArray]:
    """Return the labels and the predictions, (rows,), or (rows, classes) of 0 and 1."""
    labels = np.asarray(table[LABEL][:], dtype=np.int64)
    return labels, np.asarray([answer for (answer,) in answers], dtype=np.int64)


def _label_columns(
    table: Dataset, column_names: ColumnNames, texts: Texts, head: HeadFacts, *, source: str
) -> tuple[str, ...]:
    if not texts.labelled:
        if column_names.labels:
            raise DataError(
                "the rows hold words or questions, not texts with labels",
                where=source,
                remedy="name the column of the texts with --text-column",
            )
        return ()
    names = head.labels or ()
    own = head.problem_type == MULTI_LABEL and set(names) <= set(table.column_names)
    if own and not column_names.labels:
        return names
    return find_label_columns(table, column_names.labels, texts.names, where=source)


def _read(
    table: Dataset,
    columns: Sequence[str],
    texts: Texts,
    head: HeadFacts,
    *,
    several: bool,
    source: str,
) -> Labels:
    numbers = [row + 1 for row in texts.kept]
    values = [_kept(table, name, texts) for name in columns]
    if len(columns) > 1:
        if not several:
            raise DataError(
                f"{len(columns)} columns of labels, but the model chooses one label a text",
                where="--label-column",
                remedy="name one column",
            )
        return read_label_columns(values, numbers, columns, model_names=head.labels, where=source)
    read = read_label_sets if several else read_labels
    return read(
        values[0],
        numbers,
        class_names=class_names(table, columns[0]),
        model_names=head.labels,
        where=source,
    )


def _kept(table: Dataset, name: str, texts: Texts) -> list[object]:
    values = table[name][:]
    return [values[row] for row in texts.kept]


def _kind(several: bool) -> Any:
    from datasets import List, Value

    return List(Value("int64")) if several else Value("int64")
