"""What a task is: how rows become tokenised features, and what a model's outputs to them are worth.

A task is one short module with one class; `bertslim/data/tasks.py` lists them all.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

if TYPE_CHECKING:
    import torch
    from datasets import Dataset
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase

    from bertslim.data.class_counts import ClassCounts
    from bertslim.data.data_options import LabelsAs
    from bertslim.data.embedder import Embedder
    from bertslim.data.metrics import Score
    from bertslim.data.source_table import SourceTable
    from bertslim.records import LabelSummary

LABEL = "label"
IGNORED = -100  # what the losses of transformers leave out

Answers = Sequence[Sequence[Any]]  # what a task read from the outputs: of each row, of each feature


@dataclass(frozen=True)
class Batch:
    """Sequences that go through the model together: `model(**inputs, **targets)` has a loss.

    Attributes:
        inputs: `input_ids`, `attention_mask` and what else the tokenizer makes, each
            (sequences, length) of int64.
        rows: The row of the data set that each sequence belongs to, from 0; a long text or a pair
            may have several.
        targets: What `forward` takes to work out a loss, by argument; none unless asked for.
        details: What the task needs to read the answer to each sequence.
    """

    inputs: dict[str, Tensor]
    rows: tuple[int, ...]
    targets: dict[str, Tensor] = field(default_factory=dict)
    details: tuple[Any, ...] = ()

    @property
    def labels(self) -> Tensor | None:
        """`forward`'s argument `labels`, where the task has it and it was asked for."""
        return self.targets.get("labels")

    def to(self, device: torch.device | str) -> Batch:
        """Return the batch on a device."""
        return replace(
            self,
            inputs={name: values.to(device) for name, values in self.inputs.items()},
            targets={name: values.to(device) for name, values in self.targets.items()},
        )

    def part(self, sequences: slice) -> Batch:
        """Return some of the sequences, padded as before."""
        return Batch(
            inputs={name: values[sequences] for name, values in self.inputs.items()},
            rows=self.rows[sequences],
            targets={name: values[sequences] for name, values in self.targets.items()},
            details=self.details[sequences],
        )


@dataclass(frozen=True)
class HeadFacts:
    """What stands on a model's encoder, as far as data have to fit it.

    Attributes:
        kind: As `ModelFacts.head`; None: a head is yet to be made, for the labels of the data.
        labels: The names of the classes in the order of their ids; None: none, or not yet known.
        outputs: Numbers that it puts out for a text or a token.
        problem_type: As the configuration has it.
        predicts_words: Whether it puts out a number for each word of the vocabulary.
        embedder: How texts become embeddings.
        contradiction: What the configuration says of its labels in two ways, if it does.
        notes: What a reader of the result should know of how the model reads texts.
    """

    kind: str | None = None
    labels: tuple[str, ...] | None = None
    outputs: int = 0
    problem_type: str | None = None
    predicts_words: bool = False
    embedder: Embedder | None = None
    contradiction: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ColumnNames:
    """The columns that were named; those that were not are found by name and type.

    Attributes:
        texts: One column, or two for pairs.
        labels: One column, or several of 0 and 1 for several labels a text.
        labels_as: How the labels are to be read; None: as they show.
    """

    texts: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    labels_as: LabelsAs | None = None


@dataclass(frozen=True)
class Feature:
    """What goes through the model as one sequence: a row, a part of it, or one text of a pair.

    Attributes:
        row: The number of the row that it belongs to, from 0.
        inputs: What the tokenizer made: a list of numbers a name.
        targets: What `forward` takes to work out a loss, by argument.
        detail: What the task needs to read the answer, such as where each token stands.
    """

    row: int
    inputs: dict[str, list[int]]
    targets: dict[str, Any] = field(default_factory=dict)
    detail: Any = None


class Task(ABC):
    """One kind of data and what models for it answer; an instance holds what was found in the data.

    Attributes:
        name: As the Hub calls it.
        trainable: Whether `bertslim retrain` trains models for it.
        head: What a new model for it ends in, as `ModelFacts.head` has it.
        outputs: Numbers that such a head puts out, where that is not one a class.
        key_columns: The columns whose texts settle the split that a row goes to.
        served_by_key: Whether the rows of one key are served together, such as those of a query.
    """

    name: ClassVar[str]
    trainable: ClassVar[bool] = False
    head: ClassVar[str] = ""
    outputs: ClassVar[int] = 0
    key_columns: ClassVar[tuple[str, ...]] = ("text", "pair")
    served_by_key: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def accepts(cls, head: HeadFacts) -> bool:
        """Whether a model with this head can do the task."""

    @classmethod
    def suits(cls, tables: Sequence[Dataset], column_names: ColumnNames, head: HeadFacts) -> bool:
        """Whether the columns are those of the task; what an accepted head then makes of them."""
        return True

    @classmethod
    @abstractmethod
    def read(
        cls, sources: Sequence[SourceTable], column_names: ColumnNames, head: HeadFacts
    ) -> tuple[TaskData, ...]:
        """Find the columns and bring the rows into the form of the task.

        How labels are read is settled once, by those of all sources.

        Args:
            sources: The data as they came.
            column_names: The columns that were named.
            head: What the labels have to fit.

        Raises:
            DataError: A column is missing or could be several, or a row is not usable.
        """

    @abstractmethod
    def features(
        self, table: Dataset, tokenizer: PreTrainedTokenizerBase, max_length: int, *, label: bool
    ) -> list[Feature]:
        """Tokenise all rows, in their order.

        Args:
            table: Rows in the form of the task.
            tokenizer: The model's tokenizer.
            max_length: Tokens that the model can take.
            label: Whether to make targets; only where the rows have labels, or need none.
        """

    @property
    def max_length(self) -> int | None:
        """Tokens at which texts are cut, where the model's own files settle it."""
        return None

    @property
    def makes_labels(self) -> bool:
        """Whether texts alone are enough to score a model."""
        return False

    @property
    def problem_type(self) -> str | None:
        """Which loss a new model is trained with, as its configuration names it."""
        return None

    def answers(self, outputs: Any, batch: Batch) -> list[Any]:
        """Read an answer from the model's outputs for each feature of a batch."""
        return [None] * len(batch.rows)

    def score(self, table: Dataset, answers: Answers) -> tuple[Score, ...]:
        """Score the answers to labelled rows with the task's metrics, the most telling first."""
        return ()

    def count_classes(self, table: Dataset, answers: Answers) -> ClassCounts | None:
        """Count each class on its own, the same ones for all models; None without classes."""
        return None

    def summarise_labels(self, table: Dataset) -> LabelSummary | None:
        """Count the labels of labelled rows, or give their range; None where that tells nothing."""
        return None

    def describe_answers(self, table: Dataset, answers: Answers) -> list[str] | None:
        """Put the answer to each row in words; None where words cannot express it."""
        return None

    def describe_labels(self, table: Dataset) -> list[str]:
        """Put the label of each row in the same words."""
        return [str(label) for label in table[LABEL][:]]


@dataclass(frozen=True)
class Rows:
    """Rows of one task.

    Attributes:
        task: What they are run as.
        table: Columns of the task's own names, and `label` where they are labelled.
    """

    task: Task
    table: Dataset

    def __len__(self) -> int:
        return len(self.table)

    @property
    def labelled(self) -> bool:
        """Whether each row has its label."""
        return LABEL in self.table.column_names

    @property
    def scorable(self) -> bool:
        """Whether a model's answers to them can be scored."""
        return self.labelled or self.task.makes_labels

    def select(self, numbers: Iterable[int]) -> Self:
        """Return the rows of these numbers."""
        return type(self)(self.task, self.table.select(numbers))

    def split_keys(self) -> list[str]:
        """Return the text of each row that settles which split it goes to."""
        names = [name for name in self.task.key_columns if name in self.table.column_names]
        return ["\n".join(map(_joined, row)) for row in self._values(names)]

    def texts(self) -> list[str]:
        """Return all texts, each once, in the order of their first appearance."""
        names = [name for name in self.table.column_names if name != LABEL]
        return list(dict.fromkeys(_joined(text) for row in self._values(names) for text in row))

    @property
    def sha256(self) -> str:
        """The SHA-256, in hexadecimal, of all texts and labels in their order."""
        names = [name for name in self.table.column_names if name != LABEL]
        labels = self.table[LABEL][:] if self.labelled else [None] * len(self)
        digest = hashlib.sha256()
        for texts, label in zip(self._values(names), labels, strict=True):
            digest.update(json.dumps([*texts, label]).encode() + b"\n")
        return digest.hexdigest()

    def _values(self, names: Sequence[str]) -> Iterable[tuple[Any, ...]]:
        return zip(*(self.table[name][:] for name in names), strict=True)


@dataclass(frozen=True)
class TaskData:
    """The rows of one source.

    Attributes:
        source: What the user gave.
        rows: Its rows in the form of their task.
        text_columns: The source's names of the columns that the texts came from.
        label_columns: The same of the labels; none where there are no labels.
        label_names: The names of the labels in the order of their ids, where they are classes.
        label_rule: How the labels were read, in words.
        labels_as: The same in one word, as `--labels-as` has it, where it had to be settled.
        reading: How the files of the source were read, a clause each.
        notes: What a reader of the result should know.
    """

    source: str
    rows: Rows
    text_columns: tuple[str, ...]
    label_columns: tuple[str, ...] = ()
    label_names: tuple[str, ...] = ()
    label_rule: str | None = None
    labels_as: LabelsAs | None = None
    reading: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def _joined(text: str | Sequence[str]) -> str:
    return text if isinstance(text, str) else " ".join(text)
