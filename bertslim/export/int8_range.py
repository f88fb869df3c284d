"""Steps of int8 weights such that no CPU adds two of their products beyond its range.

CPUs without VNNI (AVX2, or AVX-512 alone) multiply unsigned activations by signed weights and add
the products of two neighbouring inputs in 16 bits, where what is larger saturates (`vpmaddubsw`);
all that follows is added in 32 bits, as all of it is with VNNI. Two products of activations up to
255 fit into 16 bits if weights of one sign add up to no more than 128.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir
import torch
from numpy.typing import NDArray
from torch import Tensor

from bertslim.records import Int8Products

MOST = 127  # of a weight
MOST_OF_PAIR = (2**15 - 1) // 255
_ROUNDING = 0.5  # what rounding two weights may add to their sum, beyond a whole number
_PRODUCTS = ("MatMulInteger", "QAttention", "MatMul", "Gemm", "Attention")


def weight_steps(weight: Tensor) -> Tensor:
    """Return the step of each output, (out, 1): the smallest at which no pair saturates.

    Args:
        weight: (out, in), in float32 or float64.
    """
    tiny = torch.finfo(weight.dtype).tiny
    largest = weight.abs().amax(dim=1, keepdim=True)
    pairs = pair_sums(weight).amax(dim=1, keepdim=True)
    return torch.maximum(largest / MOST, pairs / (MOST_OF_PAIR - _ROUNDING)).clamp(min=tiny)


def pair_sums(weight: Tensor) -> Tensor:
    """Return the larger of the sums that each pair of neighbouring inputs may add up to.

    Activations are not negative, so it is that of the positive or of the negative weights.

    Args:
        weight: (out, in).

    Returns:
        (out, pairs).
    """
    even = torch.nn.functional.pad(weight, (0, weight.shape[1] % 2))
    pairs = even.reshape(len(weight), -1, 2)
    return torch.maximum(pairs.clamp(min=0).sum(dim=2), (-pairs).clamp(min=0).sum(dim=2))


def widen_steps(quantised: onnx_ir.Model, original: onnx_ir.Model) -> None:
    """Round the weights of all int8 products anew, so that no pair saturates.

    Args:
        quantised: As the quantiser made it; it is changed.
        original: What it was made of.
    """
    before = {product.weight: product for product in _products(original)}
    for product in _products(quantised):
        name = product.weight.removesuffix("_quantized")
        if name == product.weight or name not in before:
            continue
        weight = torch.tensor(before[name].matrix(original))
        steps = weight_steps(weight)
        rounded = (weight / steps).round().clamp(-MOST, MOST).to(torch.int8).numpy()
        scale = _array(quantised, f"{name}_scale")
        widened = steps[:, 0].numpy().astype(scale.dtype)
        _replace(quantised, product.weight, product.as_stored(rounded))
        _replace(quantised, f"{name}_scale", widened)
        if product.bias is not None:
            _rescale(quantised, product.bias, widened / scale)


def count_products(quantised: onnx_ir.Model) -> Int8Products:
    """Count the int8 products of a graph, and those in which a pair may saturate."""
    sums = [
        int(pair_sums(torch.tensor(product.matrix(quantised)).int()).max())
        for product in _products(quantised)
        if _array(quantised, product.weight).dtype == np.int8
    ]
    return Int8Products(number=len(sums), saturating=sum(most > MOST_OF_PAIR for most in sums))


@dataclass(frozen=True)
class _Product:
    """A product with a weight.

    Attributes:
        weight: The name of the weight.
        by_output: Whether it is stored as (out, in), else (in, out).
        bias: The name of what is added in int32 with a scale of its own, if there is such.
    """

    weight: str
    by_output: bool
    bias: str | None

    def matrix(self, model: onnx_ir.Model) -> NDArray[Any]:
        """Return the weight, (out, in)."""
        return self.as_stored(_array(model, self.weight))

    def as_stored(self, matrix: NDArray[Any]) -> NDArray[Any]:
        """Turn (out, in) into what is stored, and back."""
        return matrix if self.by_output else np.ascontiguousarray(matrix.T)


def _products(model: onnx_ir.Model) -> Iterator[_Product]:
    """Find all products whose second input is a constant, quantised or not."""
    for node in model.graph:
        if node.op_type not in _PRODUCTS or len(node.inputs) < 2:
            continue
        weight = _constant(model, node.inputs[1])
        if weight is None or len(_array(model, weight).shape) != 2:
            continue
        by_output = node.op_type == "Gemm" and bool(node.attributes.get_int("transB", 0))
        has_bias = node.op_type == "Gemm" and len(node.inputs) > 2
        bias = _constant(model, node.inputs[2]) if has_bias else None
        in_int32 = bias is not None and f"{bias}_scale" in model.graph.initializers
        yield _Product(weight, by_output, bias if in_int32 else None)


def _constant(model: onnx_ir.Model, value: onnx_ir.Value | None) -> str | None:
    """Return the name of a constant, also behind the node that makes it a float again."""
    producer = value.producer() if value is not None else None
    if producer is not None and producer.op_type == "DequantizeLinear":
        value = producer.inputs[0]
    name = value.name if value is not None else None
    return name if name in model.graph.initializers else None


def _array(model: onnx_ir.Model, name: str) -> NDArray[Any]:
    tensor = model.graph.initializers[name].const_value
    assert tensor is not None  # noqa: S101
    return tensor.numpy()


def _replace(model: onnx_ir.Model, name: str, array: NDArray[Any]) -> None:
    model.graph.initializers[name].const_value = onnx_ir.tensor(array, name=name)


def _rescale(model: onnx_ir.Model, bias: str, factor: NDArray[Any]) -> None:
    """Write a bias in int32 in steps that are so many times as wide: those of its product."""
    values, scale = _array(model, bias), _array(model, f"{bias}_scale")
    _replace(model, bias, np.rint(values / factor).astype(values.dtype))
    _replace(model, f"{bias}_scale", (scale * factor).astype(scale.dtype))
