"""ONNX files with the inputs of a BERT, made in milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

BERT_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
VOCABULARY = 99


def write_tiny_onnx(
    path: Path,
    *,
    inputs: Sequence[str] = BERT_INPUTS,
    ids: int = TensorProto.INT64,
    choices: bool = False,
    length: int | str = "sequence_length",
    weights: type[np.floating[Any]] = np.float32,
    quantised: bool = False,
) -> Path:
    """Write a model that looks tokens up in a table of 99 rows, and multiplies once."""
    shape = ["batch_size", *(["num_choices"] if choices else []), length]
    table: NDArray[np.floating[Any]] = np.ones((VOCABULARY, 4), dtype=weights)
    product: NDArray[np.floating[Any]] = np.ones((4, 2), dtype=weights)
    nodes = [
        helper.make_node("Cast", [inputs[0]], ["ids"], to=TensorProto.INT64),
        helper.make_node("Gather", ["table", "ids"], ["found"]),
        *(
            helper.make_node("Cast", [name], [f"{name}_unused"], to=TensorProto.INT64)
            for name in inputs[1:]
        ),
    ]
    if quantised:
        nodes += [
            helper.make_node("DynamicQuantizeLinear", ["found"], ["small", "scale", "zero"]),
            helper.make_node("MatMulInteger", ["small", "integers", "zero"], ["answer"]),
        ]
        constants = {"table": table, "integers": product.astype(np.int8)}
    else:
        nodes.append(helper.make_node("MatMul", ["found", "product"], ["answer"]))
        constants = {"table": table, "product": product}
    answer = TensorProto.INT32 if quantised else helper.np_dtype_to_tensor_dtype(table.dtype)
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(name, ids, shape) for name in inputs],
        [helper.make_tensor_value_info("answer", answer, None)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    opsets = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)
    return path
