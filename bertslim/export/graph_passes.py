"""What is done to a graph between the exporter and the file."""

from __future__ import annotations

import onnx_ir
from onnx_ir.passes.common import ClearMetadataAndDocStringPass, RemoveUnusedNodesPass
from onnxscript.optimizer import optimize_ir
from onnxscript.rewriter.ort_fusions.erfgelu import fuse_erfgelu

_SLOW_WHEN_FUSED = ("LayerNormalization", "Gelu")


def tidy(model: onnx_ir.Model) -> None:
    """Remove what deleted blocks leave behind, and the exporter's notes with local paths.

    A deleted block adds the number zero, which the exporter writes as a node of its own and keeps.
    """
    optimize_ir(model, should_fold=lambda node: True if _is_number(node) else None)
    ClearMetadataAndDocStringPass()(model)


def fuse_gelu(model: onnx_ir.Model) -> None:
    """Write GELU, which opset 18 spells out, as ONNX Runtime's one node.

    The constants of the formula go with it: ONNX Runtime prints a warning for each unused one.
    """
    fuse_erfgelu(model)
    RemoveUnusedNodesPass()(model)


def add_apart_from_next(model: onnx_ir.Model) -> None:
    """Write what is normalised or activated as Sum where it is an Add of two tensors.

    When it loads a file, ONNX Runtime fuses Add + LayerNormalization to SkipLayerNormalization and
    Add + Gelu to BiasGelu, whose kernels for CPUs take four times and 1.2 times as long as the
    parts (ONNX Runtime 1.31). It does not know the pattern with Sum, which computes the same.
    The bias of an int8 product stays an Add: there, ONNX Runtime adds it inside the product.
    """
    for node in model.graph:
        if node.op_type not in _SLOW_WHEN_FUSED or node.inputs[0] is None:
            continue
        added = node.inputs[0].producer()
        if added is not None and added.op_type == "Add" and not _is_int8_product(added.inputs[0]):
            added.op_type = "Sum"


def _is_int8_product(value: onnx_ir.Value | None) -> bool:
    """Whether it is MatMulInteger -> Cast -> Mul, a product of whole numbers and its scale."""
    for operator in ("Mul", "Cast", "MatMulInteger"):
        node = value.producer() if value is not None else None
        if node is None or node.op_type != operator:
            return False
        value = node.inputs[0]
    return True


def _is_number(node: onnx_ir.Node) -> bool:
    shape = node.outputs[0].shape
    return node.op_type == "ConstantOfShape" and shape is not None and shape.rank() == 0
