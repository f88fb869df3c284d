"""Plain texts: nothing to score, but enough to compare two models and to gather statistics on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bertslim.data.table_texts import columns_of, read_texts, text_features
from bertslim.data.task import ColumnNames, Feature, HeadFacts, Rows, Task, TaskData
from bertslim.errors import DataError

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class PlainText(Task):
    """Texts for any model, also for heads that have no metrics here."""

    name: ClassVar[str] = "plain-text"

    @classmethod
    def accepts(cls, head: HeadFacts) -> bool:
        """Every model reads texts."""
        return True

    @classmethod
    def read(
        cls, table: Dataset, column_names: ColumnNames, head: HeadFacts, *, source: str
    ) -> TaskData:
        """Read texts, or pairs of them."""
        if column_names.labels:
            raise DataError(
                f"labels are of no use to the task {cls.name}",
                where="--label-column",
                remedy="name another --task, or give data that fit the model's own",
            )
        texts = read_texts(table, column_names, source=source)
        rows = Rows(cls(), texts.table())
        return TaskData(source, rows, texts.names, notes=texts.notes)

    def features(
        self, table: Dataset, tokenizer: PreTrainedTokenizerBase, max_length: int, *, label: bool
    ) -> list[Feature]:
        """Tokenise the texts; there are no targets."""
        return text_features(columns_of(table), tokenizer, max_length)
