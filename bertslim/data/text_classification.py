"""Text classification: one label a text or pair, or any number of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bertslim.arrays import IntArray
from bertslim.data import pydocs
from bertslim.data.class_counts import ClassCounts, count_classes
from bertslim.data.class_labels import settle_labels
from bertslim.data.columns import find_label_columns
from bertslim.data.label_lists import holds_sets
from bertslim.data.label_sets import (
    columns_of_classes,
    join_columns,
    settle_label_columns,
    settle_label_sets,
)
from bertslim.data.label_summaries import count_labels
from bertslim.data.labels import HIDDEN, LabelRule, RawLabels
from bertslim.data.metrics import Score, accuracy, macro_f1, matthews, mean_score, micro_f1
from bertslim.data.table_texts import Texts, labelled_features, read_texts
from bertslim.data.task import LABEL, Answers, ColumnNames, Feature, HeadFacts, Rows, Task, TaskData
from bertslim.errors import DataError
from bertslim.wording import counted, listed

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

    from bertslim.data.data_options import LabelsAs
    from bertslim.data.source_table import SourceTable
    from bertslim.data.task import Batch
    from bertslim.records import LabelSummary

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
        cls, sources: Sequence[SourceTable], column_names: ColumnNames, head: HeadFacts
    ) -> tuple[TaskData, ...]:
        """Read texts with their labels, if there are any that are classes of texts."""
        found = [_find(one, column_names, head) for one in sources]
        several = _may_be_several(found, head)
        try:
            rule = _settle(found, head, column_names.labels_as, several=several)
        except DataError as error:
            # The demonstration data are good texts for any model; their classes are their own.
            if column_names.labels or not any(map(_is_demonstration, found)):
                raise
            unused = f"labels not used: {error.what}"
            found = [
                _without_labels(one, unused) if _is_demonstration(one) else one for one in found
            ]
            rule = _settle(found, head, column_names.labels_as, several=several)
        task = cls(several, rule.names if rule else tuple(head.labels or ()))
        return tuple(_read(one, task, rule) for one in found)

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

    def summarise_labels(self, table: Dataset) -> LabelSummary | None:
        """Count the rows of each class; of several labels a text each is counted on its own."""
        if not self.classes:
            return None
        labels = np.asarray(table[LABEL][:], dtype=np.int64)
        classes = len(self.classes)
        counts = labels.sum(axis=0) if self.several else np.bincount(labels, minlength=classes)
        return count_labels(zip(self.classes, counts, strict=True), of=len(labels))

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


@dataclass(frozen=True)
class _Found:
    """The texts and the labels of one source, as its table holds them.

    Attributes:
        source: What the user gave.
        texts: Its texts.
        columns: The names of the columns of labels, none where there are none.
        labels: What they hold.
        notes: What a reader of the result should know.
    """

    source: str
    texts: Texts
    columns: tuple[str, ...] = ()
    labels: tuple[RawLabels, ...] = ()
    notes: tuple[str, ...] = ()


def _find(source: SourceTable, column_names: ColumnNames, head: HeadFacts) -> _Found:
    texts = read_texts(source.rows, column_names, source=source.source)
    columns = _label_columns(source.rows, column_names, texts, head, source=source.source)
    labels = tuple(texts.labels_of(source, column) for column in columns)
    found = _Found(source.source, texts, columns, labels, texts.notes)
    if len(labels) == 1 and labels[0].hidden and not column_names.labels:
        return _without_labels(found, f"every label in column {columns[0]!r} is hidden (-1)")
    return _without_hidden(found)


def _without_hidden(found: _Found) -> _Found:
    """Leave out rows of declared classes that have none of them, as where annotators disagreed."""
    labels = found.labels[0] if len(found.labels) == 1 else None
    if labels is None or labels.class_names is None or labels.hidden:
        return found
    places = [place for place, value in enumerate(labels.values) if value != int(HIDDEN)]
    hidden = len(labels.values) - len(places)
    if not hidden:
        return found
    note = f"{counted(hidden, 'row', 'rows')} without a label ({HIDDEN}) left out"
    return replace(
        found,
        texts=found.texts.only(places),
        labels=(labels.only(places),),
        notes=(*found.notes, note),
    )


def _without_labels(found: _Found, why: str) -> _Found:
    return _Found(found.source, found.texts, notes=(*found.notes, why))


def _is_demonstration(found: _Found) -> bool:
    return found.source == pydocs.NAME


def _may_be_several(found: Sequence[_Found], head: HeadFacts) -> bool:
    """Whether a text may have any number of labels: as the model has it, else as the labels do."""
    if head.kind is not None:
        return head.problem_type == MULTI_LABEL
    labelled = [one for one in found if one.columns]
    return any(len(one.columns) > 1 or holds_sets(one.labels[0].values) for one in labelled)


def _settle(
    found: Sequence[_Found], head: HeadFacts, labels_as: LabelsAs | None, *, several: bool
) -> LabelRule | None:
    """Settle how the labels of all sources are read; None where there are none."""
    labelled = [one for one in found if one.columns]
    if not labelled:
        return None
    columns = max((one.columns for one in labelled), key=len)
    if len(columns) > 1:
        return _settle_columns(labelled, columns, head, several=several)
    settle = settle_label_sets if several else settle_labels
    return settle([one.labels[0] for one in labelled], model_names=head.labels, labels_as=labels_as)


def _settle_columns(
    labelled: Sequence[_Found], columns: Sequence[str], head: HeadFacts, *, several: bool
) -> LabelRule:
    if not several:
        raise DataError(
            f"{len(columns)} columns of labels, but the model chooses one label a text",
            where="--label-column",
            remedy="name one column",
        )
    other = next((one for one in labelled if sorted(one.columns) != sorted(columns)), None)
    if other is not None:
        raise DataError(
            f"the labels are in {listed(other.columns)}, those of the other source in "
            f"{listed(columns)}",
            where=other.source,
            remedy="name the same columns in both",
        )
    return settle_label_columns(columns, model_names=head.labels, where=labelled[0].source)


def _read(found: _Found, task: TextClassification, rule: LabelRule | None) -> TaskData:
    texts = found.texts
    data = TaskData(found.source, Rows(task, texts.table()), texts.names, notes=found.notes)
    if not found.columns or rule is None:
        return data
    several = len(found.columns) > 1
    labels = join_columns(found.labels, found.columns) if several else found.labels[0]
    return replace(
        data,
        rows=Rows(task, texts.table(rule.read(labels), _kind(several=task.several))),
        label_columns=found.columns,
        label_names=rule.names,
        label_rule=rule.account,
        labels_as=rule.labels_as,
        notes=(*found.notes, *rule.notes),
    )


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
    several = head.problem_type == MULTI_LABEL
    own = columns_of_classes(table.column_names, head.labels or ()) if several else ()
    if own and not column_names.labels:
        return own
    columns = find_label_columns(table, column_names.labels, texts.names, where=source)
    if several and len(columns) == 1 and columns_of_classes(head.labels or (), columns):
        raise DataError(
            f"the column {columns[0]!r} is for one of the labels {listed(head.labels or ())}",
            where=source,
            remedy="name a column for each of them with --label-column",
        )
    return columns


def _kind(*, several: bool) -> Any:
    from datasets import List, Value

    return List(Value("int64")) if several else Value("int64")
