"""Plain texts: nothing to score, but enough to compare two models and to gather statistics on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from bertslim.data.embedder import Embedder
from bertslim.data.table_texts import columns_of, text_features, unlabelled_data
from bertslim.data.task import ColumnNames, Feature, HeadFacts, Task, TaskData
from bertslim.errors import DataError

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

    from bertslim.data.source_table import SourceTable


@dataclass(frozen=True)
class PlainText(Task):
    """Texts for any model, also for heads that have no metrics here.

    Attributes:
        embedder: How a bare encoder embeds them.
    """

    embedder: Embedder = field(default_factory=Embedder)

    name: ClassVar[str] = "plain-text"

    @classmethod
    def accepts(cls, head: HeadFacts) -> bool:
        """Every model reads texts."""
        return True

    @classmethod
    def read(
        cls, sources: Sequence[SourceTable], column_names: ColumnNames, head: HeadFacts
    ) -> tuple[TaskData, ...]:
        """Read texts, or pairs of them."""
        if column_names.labels:
            raise DataError(
                f"labels are of no use to the task {cls.name}",
                where="--label-column",
                remedy="name another --task, or give data that fit the model's own",
            )
        return unlabelled_data(cls(head.embedder or Embedder()), sources, column_names)

    @property
    def max_length(self) -> int | None:
        """As the embedder has it."""
        return self.embedder.max_length

    def features(
        self, table: Dataset, tokenizer: PreTrainedTokenizerBase, max_length: int, *, label: bool
    ) -> list[Feature]:
        """Tokenise the texts; there are no targets."""
        first, *others = columns_of(table)
        return text_features([self.embedder.prompted(first), *others], tokenizer, max_length)
