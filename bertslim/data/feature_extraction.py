"""Feature extraction: embeddings of texts, judged by how similar they make two texts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bertslim.data.columns import find_label_columns
from bertslim.data.metrics import Score, pearson, spearman
from bertslim.data.pooling import Pooling
from bertslim.data.table_texts import columns_of, read_texts, text_features
from bertslim.data.task import LABEL, Answers, ColumnNames, Feature, HeadFacts, Rows, Task, TaskData
from bertslim.data.text_regression import read_text_scores, scored_table
from bertslim.errors import DataError
from bertslim.wording import listed

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

    from bertslim.data.task import Batch


@dataclass(frozen=True)
class FeatureExtraction(Task):
    """Embeddings; each text of a pair goes through the model on its own.

    Attributes:
        pooling: How hidden states become an embedding.
    """

    pooling: Pooling = field(default_factory=Pooling)

    name: ClassVar[str] = "feature-extraction"

    @classmethod
    def accepts(cls, head: HeadFacts) -> bool:
        """A bare encoder."""
        return head.kind == ""

    @classmethod
    def read(
        cls, table: Dataset, column_names: ColumnNames, head: HeadFacts, *, source: str
    ) -> TaskData:
        """Read texts, or pairs and, if there are any, the scores of their similarity."""
        texts = read_texts(table, column_names, source=source)
        paired = len(texts.columns) == 2
        if column_names.labels and not paired:
            find_label_columns(table, column_names.labels, texts.names, where=source)
            raise DataError(
                "embeddings are scored by pairs of texts with a score, and there is one text a row",
                where=source,
                remedy="name both columns with --text-column",
            )
        columns, scores = (
            read_text_scores(table, column_names, texts, source=source) if paired else ((), None)
        )
        pooling = head.pooling or Pooling()
        note = f"modules after the pooling were left out: {listed(pooling.left_out)}"
        return TaskData(
            source,
            Rows(cls(pooling), scored_table(texts, scores)),
            texts.names,
            columns,
            notes=(*texts.notes, *((note,) if pooling.left_out else ())),
        )

    def features(
        self, table: Dataset, tokenizer: PreTrainedTokenizerBase, max_length: int, *, label: bool
    ) -> list[Feature]:
        """Tokenise each text on its own; the detail is its place in the pair."""
        return [
            replace(feature, detail=side)
            for side, column in enumerate(columns_of(table))
            for feature in text_features([column], tokenizer, max_length)
        ]

    def answers(self, outputs: Any, batch: Batch) -> list[Any]:
        """Read the place in the pair and the embedding, of length 1, of each text."""
        mask = batch.inputs["attention_mask"]
        embeddings = self.pooling(outputs.last_hidden_state.float(), mask)
        unit = embeddings / embeddings.norm(dim=-1, keepdim=True).clamp(min=1e-12)
        return list(zip(batch.details, unit.cpu().numpy(), strict=True))

    def score(self, table: Dataset, answers: Answers) -> tuple[Score, ...]:
        """Correlate the cosines of the pairs with their scores, by ranks and by values."""
        truth = np.asarray(table[LABEL][:], dtype=np.float64)
        pairs = (dict(sides) for sides in answers)
        cosines = np.asarray([pair[0] @ pair[1] for pair in pairs], dtype=np.float64)
        return spearman(truth, cosines), pearson(truth, cosines)
