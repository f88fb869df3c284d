"""How a model embeds texts: what is put before them, the pooling, and how embeddings compare."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bertslim.arrays import Float32Array, FloatArray
from bertslim.data.embedding_modules import EmbeddingModule
from bertslim.data.pooling import Pooling

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Embedder:
    """How a model embeds texts; without files of sentence-transformers, by the mean over tokens.

    Attributes:
        pooling: How the hidden states of a text become one vector.
        modules: What is applied to that vector, in this order.
        prompt: What is put before each text.
        prompts: All that users may put before texts, by choice.
        max_length: Tokens at which texts are cut, where the files of sentence-transformers settle
            it.
        similarity: How two embeddings are compared, one of `SIMILARITIES`.
        notes: What a reader of the result should know.
    """

    pooling: Pooling = field(default_factory=Pooling)
    modules: tuple[EmbeddingModule, ...] = ()
    prompt: str = ""
    prompts: tuple[str, ...] = ()
    max_length: int | None = None
    similarity: str = "cosine"
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ", ".join(map(str, (self.pooling, *self.modules)))

    def __call__(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Embed texts: hidden (texts, length, hidden), mask (texts, length) -> (texts, width)."""
        embeddings = self.pooling(hidden, mask)
        for module in self.modules:
            embeddings = module(embeddings)
        return embeddings

    def prompted(self, texts: Sequence[str]) -> list[str]:
        """Put the prompt before each text."""
        return [self.prompt + text for text in texts]

    def compare(self, one: Float32Array, other: Float32Array) -> FloatArray:
        """Return the similarity of each pair of embeddings, (pairs, width) each -> (pairs,)."""
        import torch

        similarities = SIMILARITIES[self.similarity](torch.from_numpy(one), torch.from_numpy(other))
        return similarities.double().numpy()


# In the arithmetic of sentence-transformers: of embeddings that are all but the same, rounding
# settles the order of similarities.


def _cosine(one: Tensor, other: Tensor) -> Tensor:
    from torch.nn.functional import normalize

    return _dot(normalize(one, dim=1), normalize(other, dim=1))


def _dot(one: Tensor, other: Tensor) -> Tensor:
    return (one * other).sum(dim=-1)


def _euclidean(one: Tensor, other: Tensor) -> Tensor:
    return -(one - other).square().sum(dim=-1).sqrt()


def _manhattan(one: Tensor, other: Tensor) -> Tensor:
    return -(one - other).abs().sum(dim=-1)


SIMILARITIES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cosine": _cosine,
    "dot": _dot,
    "euclidean": _euclidean,
    "manhattan": _manhattan,
}
