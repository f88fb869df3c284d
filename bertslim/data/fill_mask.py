"""Fill-mask: how well a masked language model restores words of plain texts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bertslim.arrays import FloatArray
from bertslim.data.metrics import Score, ratio_score, score_of_sums
from bertslim.data.table_texts import columns_of, text_features, unlabelled_data
from bertslim.data.task import (
    IGNORED,
    Answers,
    ColumnNames,
    Feature,
    HeadFacts,
    Task,
    TaskData,
)
from bertslim.errors import DataError, ModelError

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

    from bertslim.data.source_table import SourceTable
    from bertslim.data.task import Batch

_SHARE = 0.15


@dataclass(frozen=True)
class FillMask(Task):
    """Words to be restored.

    Of each text 15 % of the tokens that are not special, at least one, are replaced by the mask,
    all at once, as in training (Devlin et al. 2019, without its random and kept tokens). The hash
    of the text's tokens, by their names, settles which, so that every run and both models see the
    same, also where one of them numbers its tokens in another way.
    """

    name: ClassVar[str] = "fill-mask"

    @classmethod
    def accepts(cls, head: HeadFacts) -> bool:
        """A head that predicts words."""
        return head.predicts_words

    @classmethod
    def read(
        cls, sources: Sequence[SourceTable], column_names: ColumnNames, head: HeadFacts
    ) -> tuple[TaskData, ...]:
        """Read texts; labels are not needed."""
        if column_names.labels:
            raise DataError(f"labels are of no use to the task {cls.name}", where="--label-column")
        return unlabelled_data(cls(), sources, column_names)

    @property
    def makes_labels(self) -> bool:
        """The words of the texts are the truth."""
        return True

    def features(
        self, table: Dataset, tokenizer: PreTrainedTokenizerBase, max_length: int, *, label: bool
    ) -> list[Feature]:
        """Tokenise the texts; with `label`, mask tokens and give what stood there as targets."""
        columns = columns_of(table)
        if not label:
            return text_features(columns, tokenizer, max_length)
        if tokenizer.mask_token_id is None:
            raise ModelError(
                "the tokenizer has no mask token",
                where=tokenizer.name_or_path,
                remedy="run it with --task plain-text",
            )
        features = text_features(columns, tokenizer, max_length, return_special_tokens_mask=True)
        return [_masked(feature, tokenizer) for feature in features]

    def answers(self, outputs: Any, batch: Batch) -> list[Any]:
        """Read the negative log likelihood of the masked words, how many were right, how many."""
        import torch

        words = getattr(outputs, "prediction_logits", None)
        logits = outputs.logits if words is None else words
        labels = batch.targets["labels"]
        masked = labels != IGNORED
        chosen, truth = logits[masked].double(), labels[masked]
        loss = torch.nn.functional.cross_entropy(chosen, truth, reduction="none")
        right = (chosen.argmax(dim=-1) == truth).double()
        figures = torch.stack([loss, right, torch.ones_like(right)], dim=1)
        sums = torch.zeros(len(batch.rows), 3, dtype=torch.float64)
        sums.index_add_(0, masked.nonzero()[:, 0].cpu(), figures.cpu())
        return list(sums.numpy())

    def score(self, table: Dataset, answers: Answers) -> tuple[Score, ...]:
        """Score masked accuracy and pseudo-perplexity.

        The latter is exp of the mean negative log likelihood of the masked tokens. Salazar et al.
        2020 mask one token at a time, a forward pass a token; here all are masked together.
        """
        sums = np.asarray([answer for (answer,) in answers], dtype=np.float64)
        return (
            ratio_score("masked_accuracy", sums[:, 1], sums[:, 2]),
            score_of_sums("pseudo_perplexity", sums[:, [0, 2]], _perplexity),
        )


def _perplexity(total: FloatArray) -> FloatArray:
    counted = np.maximum(total[..., 1], 1)  # only texts without any word have nothing masked
    perplexity: FloatArray = np.exp(total[..., 0] / counted)
    return perplexity


def _masked(feature: Feature, tokenizer: PreTrainedTokenizerBase) -> Feature:
    inputs = dict(feature.inputs)
    special = inputs.pop("special_tokens_mask")
    ids = list(inputs["input_ids"])
    tokens = tokenizer.convert_ids_to_tokens(ids)
    chosen = _choose([place for place, flag in enumerate(special) if not flag], tokens)
    labels = [IGNORED] * len(ids)
    for place in chosen:
        labels[place], ids[place] = ids[place], tokenizer.mask_token_id
    return Feature(feature.row, {**inputs, "input_ids": ids}, {"labels": labels})


def _choose(places: Sequence[int], tokens: Sequence[str]) -> Sequence[int]:
    if not places:
        return ()
    seed = hashlib.sha256("\n".join(tokens).encode()).digest()
    draw = np.random.default_rng(int.from_bytes(seed[:8], "big"))
    count = max(1, round(_SHARE * len(places)))
    return [int(place) for place in draw.choice(places, size=count, replace=False)]
