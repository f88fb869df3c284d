"""The modules that sentence-transformers puts after the pooling; each maps (texts, width)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor, nn


class EmbeddingModule(Protocol):
    """What is applied to embeddings, one after another."""

    def __str__(self) -> str: ...

    def __call__(self, embeddings: Tensor) -> Tensor:
        """Return other embeddings, (texts, width) each."""


@dataclass(frozen=True)
class Dense:
    """A linear map with an activation, and the embedding beside it where it is residual.

    Attributes:
        activation: Without parameters of its own.
        weight: (width after, width before).
        bias: (width after,)
        residual: Whether the embedding before is added.
        projection: What brings the embedding before to the width after, of the shape of `weight`;
            None: it has that width.
    """

    activation: nn.Module
    weight: Tensor = field(repr=False)
    bias: Tensor | None = field(default=None, repr=False)
    residual: bool = False
    projection: Tensor | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return "Dense"

    def __call__(self, embeddings: Tensor) -> Tensor:
        """Map the embeddings."""
        mapped: Tensor = self.activation(_linear(embeddings, self.weight, self.bias))
        if not self.residual:
            return mapped
        before = embeddings
        if self.projection is not None:
            before = _linear(embeddings, self.projection, None)
        return mapped + before


@dataclass(frozen=True)
class LayerNorm:
    """A LayerNorm with its scale and shift, (width,) each."""

    weight: Tensor = field(repr=False)
    bias: Tensor = field(repr=False)

    def __str__(self) -> str:
        return "LayerNorm"

    def __call__(self, embeddings: Tensor) -> Tensor:
        """Normalise the values of each embedding."""
        from torch.nn.functional import layer_norm

        weight, bias = (each.to(embeddings) for each in (self.weight, self.bias))
        return layer_norm(embeddings, weight.shape, weight, bias)


@dataclass(frozen=True)
class Normalize:
    """Brings each embedding to length 1."""

    def __str__(self) -> str:
        return "Normalize"

    def __call__(self, embeddings: Tensor) -> Tensor:
        """Divide each embedding by its length."""
        from torch.nn.functional import normalize

        return normalize(embeddings, dim=-1)


@dataclass(frozen=True)
class Truncate:
    """Keeps the first values of each embedding, `truncate_dim` of sentence-transformers."""

    width: int

    def __str__(self) -> str:
        return f"first {self.width}"

    def __call__(self, embeddings: Tensor) -> Tensor:
        """Cut each embedding."""
        return embeddings[:, : self.width]


def _linear(embeddings: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    from torch.nn.functional import linear

    return linear(embeddings, weight.to(embeddings), None if bias is None else bias.to(embeddings))
