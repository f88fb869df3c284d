"""Modules that the exporter writes down as ONNX Runtime's own nodes (domain com.microsoft).

They stand in the place of a model's modules while it is exported, with the same weights. What they
compute is computed by ONNX Runtime alone; called in PyTorch they return zeros of the right shape.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from bertslim.model.linear_maps import linear_map, packed

DOMAIN = "com.microsoft"
_LOWEST = float(torch.finfo(torch.float32).min)
_INT8_MOST = 127


class PaddingMask:
    """The attention mask of the call that is running, (batch, length): one a model.

    The layers are handed what transformers made of it, four axes with minus infinity in them;
    ONNX Runtime's nodes take it as it came.
    """

    def __init__(self, encoder: nn.Module) -> None:
        self._tensor: Tensor | None = None
        self._signature = inspect.signature(encoder.forward)
        encoder.register_forward_pre_hook(self._take, with_kwargs=True)

    @property
    def tensor(self) -> Tensor:
        """As the nodes take it: int32, 1 where there is a token."""
        assert self._tensor is not None  # noqa: S101
        return self._tensor

    def _take(self, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        mask = self._signature.bind(*args, **kwargs).arguments["attention_mask"]
        self._tensor = mask.to(torch.int32)


@dataclass(frozen=True)
class Heads:
    """What the heads of an attention block do between its maps.

    Attributes:
        number: How many there are.
        width: Of all together.
        mask: Of the model.
        bias_heads: The number of each in the position bias that all layers share; None: they are
            all heads of it.
    """

    number: int
    width: int
    mask: PaddingMask
    bias_heads: list[int] | None = None

    @property
    def attributes(self) -> dict[str, Any]:
        """A masked score is the lowest number, as in transformers, not the nodes' own -10,000."""
        scale = (self.width / self.number) ** -0.5
        return {"num_heads": self.number, "scale": scale, "mask_filter_value": _LOWEST}

    def own_bias(self, position_bias: Tensor | None) -> Tensor | None:
        """Return their part of the bias that all layers share, (1, heads, length, length)."""
        if position_bias is None or self.bias_heads is None:
            return position_bias
        return position_bias[:, self.bias_heads]

    def attend(self, query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None) -> Tensor:
        """Return the heads' context, shaped as the query: (batch, length, width)."""
        return torch.onnx.ops.symbolic(
            f"{DOMAIN}::MultiHeadAttention",
            (query, key, value, None, self.mask.tensor, bias),
            self.attributes,
            dtype=query.dtype,
            shape=query.shape,
            version=1,
        )


class ExportedAttention(nn.Module):
    """Self-attention of a layer, called as a family's own is; a subclass defines how it is written.

    Args:
        out: What the attention module itself applies after the heads, if anything.
        heads: Its heads.
    """

    def __init__(self, out: nn.Module, heads: Heads) -> None:
        super().__init__()
        self.out = out
        self._heads = heads

    def forward(
        self,
        hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        position_bias: Tensor | None = None,
        **_: Any,
    ) -> tuple[Tensor, None]:
        """Return (batch, length, hidden_size), and None for the attention weights."""
        del attention_mask
        own_bias = self._heads.own_bias(position_bias)
        return self.out(self._context(hidden_states, own_bias)), None

    def _context(self, hidden_states: Tensor, position_bias: Tensor | None) -> Tensor:
        """Return what the heads put out, (batch, length, width)."""
        raise NotImplementedError


class SmoothableAttention(ExportedAttention):
    """Attention whose query, key and value read the same inputs, which may be smoothed for int8."""

    def __init__(self, out: nn.Module, heads: Heads) -> None:
        super().__init__(out, heads)
        self.factor: nn.Parameter | None = None

    def forward(self, hidden_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, None]:
        """As above."""
        if self.factor is not None:
            hidden_states = hidden_states * self.factor
        return super().forward(hidden_states, *args, **kwargs)

    def smooth(self, scale: Tensor) -> None:
        """Divide inputs by a scale, (in,), and multiply the weights by it."""
        self._multiply_weights(scale)
        self.factor = nn.Parameter(1 / scale)

    def _multiply_weights(self, scale: Tensor) -> None:
        """Multiply the weights of query, key and value by a scale, (in,)."""
        raise NotImplementedError


class FusedAttention(SmoothableAttention):
    """One node, query, key and value as one product in it.

    Args:
        projections: The maps to query, key and value.
        out: As above.
        heads: As above.
    """

    def __init__(self, projections: Sequence[nn.Linear], out: nn.Module, heads: Heads) -> None:
        super().__init__(out, heads)
        projection = packed(*projections)
        self.weight = nn.Parameter(projection.weight.detach().T.contiguous())
        self.bias = projection.bias

    def _multiply_weights(self, scale: Tensor) -> None:
        self.weight = nn.Parameter(self.weight.detach() * scale.unsqueeze(1))

    def _context(self, hidden_states: Tensor, position_bias: Tensor | None) -> Tensor:
        mask = self._heads.mask.tensor
        return torch.onnx.ops.symbolic(
            f"{DOMAIN}::Attention",
            (hidden_states, self.weight, self.bias, mask, None, position_bias),
            self._heads.attributes,
            dtype=hidden_states.dtype,
            shape=(*hidden_states.shape[:2], self._heads.width),
            version=1,
        )


class ProjectedAttention(SmoothableAttention):
    """A product for each of query, key and value, and a node for what follows.

    An Attention node with a position bias loses the bias when it is quantised; this does not. One
    product of all three would have to be split, which takes longer than three products: they share
    the quantised input.

    Args:
        projections: The maps to query, key and value.
        out: As above.
        heads: As above.
    """

    maps = ("query", "key", "value")

    def __init__(self, projections: Sequence[nn.Linear], out: nn.Module, heads: Heads) -> None:
        super().__init__(out, heads)
        self.query, self.key, self.value = projections

    def _multiply_weights(self, scale: Tensor) -> None:
        self.query, self.key, self.value = (
            scaled_inputs(linear, scale) for linear in (self.query, self.key, self.value)
        )

    def _context(self, hidden_states: Tensor, position_bias: Tensor | None) -> Tensor:
        query, key, value = (linear(hidden_states) for linear in (self.query, self.key, self.value))
        return self._heads.attend(query, key, value, position_bias)


class FirstTokenAttention(ExportedAttention):
    """Attention of the last layer where the head reads only the first token.

    Keys and values are those of all tokens; only the first has a query, and the layer goes on with
    it alone: it takes and returns (batch, 1, hidden_size).

    Args:
        query: The map to the query.
        keys_and_values: Those to key and value, packed.
        out: As above.
        heads: As above.
        layer: The layer, which is handed the hidden states of all tokens.
        read: Makes of hidden states what the block reads, by a norm before it if there is one.
    """

    maps = ("query", "keys_and_values")

    def __init__(
        self,
        query: nn.Module,
        keys_and_values: nn.Module,
        out: nn.Module,
        heads: Heads,
        layer: nn.Module,
        read: Callable[[Tensor], Tensor],
    ) -> None:
        super().__init__(out, heads)
        self.query = query
        self._read = read
        self.keys_and_values = keys_and_values
        self._all_tokens: Tensor | None = None
        layer.register_forward_pre_hook(self._take_all_tokens)

    def _context(self, hidden_states: Tensor, position_bias: Tensor | None) -> Tensor:
        assert self._all_tokens is not None  # noqa: S101
        packed = self.keys_and_values(self._read(self._all_tokens))
        key, value = torch.split(packed, self._heads.width, dim=-1)
        bias = None if position_bias is None else position_bias[:, :, :1]
        return self._heads.attend(self.query(hidden_states), key, value, bias)

    def _take_all_tokens(self, _: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        self._all_tokens, *rest = args
        return (self._all_tokens[:, :1], *rest)


class FloatProduct(nn.Module):
    """A linear map that a quantiser leaves as it is, since it has no rule for such a node.

    Args:
        linear: The map, or some rows or columns of it.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight = nn.Parameter(linear.weight.detach().T.contiguous())
        self.bias = linear.bias

    def forward(self, inputs: Tensor) -> Tensor:
        """Take (batch, length, in) and return (batch, length, out)."""
        product = torch.onnx.ops.symbolic(
            f"{DOMAIN}::FusedMatMul",
            (inputs, self.weight),
            dtype=inputs.dtype,
            shape=(*inputs.shape[:-1], self.weight.shape[1]),
            version=1,
        )
        return product if self.bias is None else product + self.bias


class SmoothedLinear(nn.Module):
    """A linear map whose inputs are divided by something, and its weights multiplied, by channel.

    Args:
        linear: The map.
        scale: (in,)
    """

    def __init__(self, linear: nn.Linear, scale: Tensor) -> None:
        super().__init__()
        self.factor = nn.Parameter(1 / scale)
        self.linear = scaled_inputs(linear, scale)

    def forward(self, inputs: Tensor) -> Tensor:
        """Take (batch, length, in) and return (batch, length, out)."""
        outputs: Tensor = self.linear(inputs * self.factor)
        return outputs


class Int8Embedding(nn.Module):
    """An embedding in int8 with a scale a row: a quarter of the bytes, an error of a row's own.

    Args:
        embedding: The words' embedding, (vocabulary, width).
    """

    def __init__(self, embedding: nn.Embedding) -> None:
        super().__init__()
        weight = embedding.weight.detach()
        largest = weight.abs().amax(dim=1, keepdim=True)
        scale = torch.where(largest > 0, largest / _INT8_MOST, 1.0)
        self.register_buffer("scale", scale)
        self.register_buffer("weight", (weight / scale).round().to(torch.int8))

    def forward(self, ids: Tensor) -> Tensor:
        """Return the rows, (*ids.shape, width), in the dtype that they had."""
        scale, weight = self.get_buffer("scale"), self.get_buffer("weight")
        rows = nn.functional.embedding(ids, weight).to(scale.dtype)
        return rows * nn.functional.embedding(ids, scale)


def scaled_inputs(linear: nn.Linear, factors: Tensor) -> nn.Linear:
    """Return a map that multiplies its inputs by factors first, (in,)."""
    return linear_map(linear.weight.detach() * factors, linear.bias)


def scaled_outputs(linear: nn.Linear, factors: Tensor) -> nn.Linear:
    """Return a map that multiplies its outputs by factors at last, (out,)."""
    bias = None if linear.bias is None else linear.bias.detach() * factors
    return linear_map(linear.weight.detach() * factors.unsqueeze(1), bias)
