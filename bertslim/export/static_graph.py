"""Static embeddings -> an ONNX file with the inputs and outputs of the model they are of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from bertslim.export.onnx import OPSET
from bertslim.model.static_embeddings import StaticEmbeddings

_IR_VERSION = 10
_SHAPE = ["batch_size", "sequence_length"]


def write_static_graph(static: StaticEmbeddings, path: Path) -> None:
    """Write a file that takes `input_ids` and `attention_mask`, (batch, length) of int64 each.

    It puts out `logits`, (batch, classes), where there is a head, else `last_hidden_state`,
    (batch, length, width).
    """
    constants: dict[str, NDArray[Any]] = {"table": static.table}
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["embedded"])]
    if static.head is None:
        nodes.append(helper.make_node("Identity", ["embedded"], ["last_hidden_state"]))
        output = ("last_hidden_state", [*_SHAPE, static.table.shape[1]])
    else:
        constants |= {
            "counted": static.counted,
            "one": np.ones((), dtype=np.float32),
            "last_axis": np.array([-1]),
            "token_axis": np.array([1]),
            "weight": static.head.weight,
            "bias": static.head.bias,
        }
        nodes += _mean_and_head()
        output = ("logits", [_SHAPE[0], len(static.head.bias)])
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, _SHAPE)
        for name in ("input_ids", "attention_mask")
    ]
    tensors = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    answer = helper.make_tensor_value_info(output[0], TensorProto.FLOAT, output[1])
    graph = helper.make_graph(nodes, "static_embeddings", inputs, [answer], tensors)
    opset = [helper.make_opsetid("", OPSET)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=_IR_VERSION), path)
    onnx.checker.check_model(path, full_check=True)


def _mean_and_head() -> list[onnx.NodeProto]:
    """The mean over the tokens that count, 0 where none does, and the head on it."""
    make = helper.make_node
    return [
        make("Gather", ["counted", "input_ids"], ["not_special"]),
        make("Cast", ["attention_mask"], ["present"], to=TensorProto.FLOAT),
        make("Mul", ["not_special", "present"], ["weights"]),
        make("Unsqueeze", ["weights", "last_axis"], ["weights_by_token"]),
        make("Mul", ["embedded", "weights_by_token"], ["weighted"]),
        make("ReduceSum", ["weighted", "token_axis"], ["sums"], keepdims=0),
        make("ReduceSum", ["weights", "token_axis"], ["present_tokens"], keepdims=1),
        make("Max", ["present_tokens", "one"], ["number"]),
        make("Div", ["sums", "number"], ["means"]),
        make("Gemm", ["means", "weight", "bias"], ["logits"]),
    ]
