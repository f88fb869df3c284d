"""What an ONNX file holds: the type that the model multiplies in, and its vocabulary size."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from bertslim.errors import InputError

if TYPE_CHECKING:
    from onnx import GraphProto

_INTEGER_PRODUCTS = {
    "DequantizeLinear",
    "DynamicQuantizeMatMul",
    "MatMulInteger",
    "MatMulIntegerToFloat",
    "QAttention",
    "QLinearMatMul",
}


@dataclass(frozen=True)
class OnnxFacts:
    """What was found.

    Attributes:
        inputs: The names of what it takes.
        dtype: What it multiplies in: "int8" where it is quantised, else the type of its weights.
        vocabulary: Rows of the table that input_ids are looked up in; None where it was not found.
    """

    inputs: tuple[str, ...]
    dtype: str
    vocabulary: int | None


def read_onnx(path: Path) -> OnnxFacts:
    """Read an ONNX file.

    Raises:
        InputError: It is not one, or is damaged.
    """
    import onnx
    from google.protobuf.message import DecodeError

    try:
        graph = onnx.load(path, load_external_data=False).graph
    except (DecodeError, OSError) as error:
        raise _not_onnx(path) from error
    if not graph.node:
        raise _not_onnx(path)
    weights = {tensor.name for tensor in graph.initializer}  # old files list them as inputs, too
    inputs = tuple(given.name for given in graph.input if given.name not in weights)
    return OnnxFacts(inputs, _dtype(graph), _vocabulary(graph))


def _not_onnx(path: Path) -> InputError:
    return InputError(
        "is not an ONNX file, or is damaged",
        where=str(path),
        remedy="write it again with `bertslim export --onnx`",
    )


def _dtype(graph: GraphProto) -> str:
    if any(node.op_type in _INTEGER_PRODUCTS for node in graph.node):
        return "int8"
    from onnx import TensorProto

    names = {
        TensorProto.FLOAT: "float32",
        TensorProto.FLOAT16: "float16",
        TensorProto.BFLOAT16: "bfloat16",
    }
    weights: Counter[str] = Counter({"float32": 0})
    for tensor in graph.initializer:
        if name := names.get(tensor.data_type):
            weights[name] += prod(tensor.dims)
    return weights.most_common(1)[0][0]


def _vocabulary(graph: GraphProto) -> int | None:
    """Rows of the largest matrix that a node takes together with input_ids, maybe cast before."""
    casts = (node for node in graph.node if node.op_type == "Cast")
    ids = {"input_ids", *(node.output[0] for node in casts if node.input[0] == "input_ids")}
    beside = {name for node in graph.node if ids & set(node.input) for name in node.input}
    rows = (
        initializer.dims[0]
        for initializer in graph.initializer
        if initializer.name in beside and len(initializer.dims) == 2
    )
    return max(rows, default=None)
