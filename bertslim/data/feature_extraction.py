"""Feature extraction: embeddings of texts, judged by how similar they make two texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bertslim.data.columns import find_label_columns
from bertslim.data.embedder import Embedder
from bertslim.data.label_summaries import summarise_scores
from bertslim.data.metrics import Score, pearson, spearman
from bertslim.data.table_texts import Texts, columns_of, read_texts, text_features
from bertslim.data.task import LABEL, Answers, ColumnNames, Feature, HeadFacts, Task, TaskData
from bertslim.data.text_regression import read_scored_texts
from bertslim.errors import DataError

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

    from bertslim.data.source_table import SourceTable
    from bertslim.data.task import Batch
    from bertslim.records import LabelSummary


@dataclass(frozen=True)
class FeatureExtraction(Task):
    """Embeddings; each text of a pair goes through the model on its own.

    Attributes:
        embedder: How texts become embeddings, and how these are compared.
    """

    embedder: Embedder = field(default_factory=Embedder)

    name: ClassVar[str] = "feature-extraction"

    @classmethod
    def accepts(cls, head: HeadFacts) -> bool:
        """A bare encoder."""
        return head.kind == ""

    @classmethod
    def read(
        cls, sources: Sequence[SourceTable], column_names: ColumnNames, head: HeadFacts
    ) -> tuple[TaskData, ...]:
        """Read texts, or pairs and, if there are any, the scores of their similarity."""
        texts = [read_texts(one.rows, column_names, source=one.source) for one in sources]
        if column_names.labels:
            _check_paired(sources, texts, column_names)
        task = cls(head.embedder or Embedder())
        return read_scored_texts(task, sources, texts, column_names, paired=True)

    @property
    def max_length(self) -> int | None:
        """As the embedder has it."""
        return self.embedder.max_length

    def features(
        self, table: Dataset, tokenizer: PreTrainedTokenizerBase, max_length: int, *, label: bool
    ) -> list[Feature]:
        """Tokenise each text on its own; the detail is its place in the pair."""
        return [
            replace(feature, detail=side)
            for side, column in enumerate(columns_of(table))
            for feature in text_features([self.embedder.prompted(column)], tokenizer, max_length)
        ]

    def answers(self, outputs: Any, batch: Batch) -> list[Any]:
        """Read the place in the pair and the embedding of each text."""
        mask = batch.inputs["attention_mask"]
        embeddings = self.embedder(outputs.last_hidden_state.float(), mask)
        return list(zip(batch.details, embeddings.cpu().numpy(), strict=True))

    def score(self, table: Dataset, answers: Answers) -> tuple[Score, ...]:
        """Correlate the similarities of the pairs with their scores, by ranks and by values."""
        truth = np.asarray(table[LABEL][:], dtype=np.float64)
        pairs = [dict(sides) for sides in answers]
        one, other = (np.stack([pair[side] for pair in pairs]) for side in (0, 1))
        similarities = self.embedder.compare(one, other)
        return spearman(truth, similarities), pearson(truth, similarities)

    def summarise_labels(self, table: Dataset) -> LabelSummary | None:
        """Give the range of the scores."""
        return summarise_scores(table[LABEL][:])


def _check_paired(
    sources: Sequence[SourceTable], texts: Sequence[Texts], column_names: ColumnNames
) -> None:
    for source, found in zip(sources, texts, strict=True):
        if len(found.columns) != 2:
            find_label_columns(source.rows, column_names.labels, found.names, where=source.source)
            raise DataError(
                "embeddings are scored by pairs of texts with a score, and there is one text a row",
                where=source.source,
                remedy="name both columns with --text-column",
            )
