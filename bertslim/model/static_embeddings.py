"""Static embeddings: the rows of a model's token embeddings, without any layer above them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bertslim.arrays import Float32Array, FloatArray


@dataclass(frozen=True, eq=False)
class LinearHead:
    """What makes logits of the mean embedding of a text: x W + b.

    Attributes:
        weight: W, (width, classes).
        bias: b, (classes,).
    """

    weight: Float32Array
    bias: Float32Array


@dataclass(frozen=True, eq=False)
class StaticEmbeddings:
    """A model that looks each token up, and computes nothing of their order.

    Attributes:
        table: The embedding of each token, (vocabulary, width); zeros for special tokens.
        counted: (vocabulary,): 1 for tokens that count in the mean, 0 for special ones.
        head: What is applied to the mean over the tokens of a text; None: the embeddings of the
            tokens are put out as they are, as hidden states.
    """

    table: Float32Array
    counted: Float32Array
    head: LinearHead | None = None

    @classmethod
    def of(cls, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> StaticEmbeddings:
        """Take the token embeddings of a model, special tokens left out."""
        table = token_embeddings(model).detach().float().cpu().numpy().copy()
        counted = np.ones(len(table), dtype=np.float32)
        special = [number for number in tokenizer.all_special_ids if number < len(table)]
        table[special] = 0
        counted[special] = 0
        return cls(table, counted)

    def means(self, texts: Sequence[Sequence[int]]) -> FloatArray:
        """Return the mean embedding of each text, (texts, width); zeros where no token counts.

        Args:
            texts: The tokens of each.
        """
        from scipy.sparse import csr_array

        ids = np.concatenate([np.asarray(text, dtype=np.int64) for text in texts])
        ends = np.cumsum([0, *map(len, texts)])
        weights = self.counted[ids].astype(np.float64)
        shape = (len(texts), len(self.table))
        counts = csr_array((weights, ids, ends), shape=shape)
        number = np.maximum(np.asarray(counts.sum(axis=1)).reshape(-1, 1), 1.0)
        means: FloatArray = counts @ self.table.astype(np.float64) / number
        return means


def token_embeddings(model: PreTrainedModel) -> Tensor:
    """Return the table of a model's token embeddings, (vocabulary, width)."""
    return cast(Tensor, model.get_input_embeddings().weight)
