"""A graph in float32 -> one in int8 or in half precision."""

from __future__ import annotations

from collections.abc import Iterable

import onnx
import onnx_ir
from torch import Tensor
from transformers.exporters.configs import ExportFormat

from bertslim.export.int8_range import widen_steps
from bertslim.quiet import quiet_process

_PRODUCTS = ["MatMul", "Gemm"]


def quantize_dynamic(model: onnx_ir.Model) -> onnx_ir.Model:
    """Return the graph with int8 weights, a scale a channel, and activations quantised in use.

    The weights are such that all CPUs compute the same (`int8_range`).

    Args:
        model: As `convert` makes it for int8; it is left as it is.
    """
    with quiet_process():
        from onnxruntime.quantization import QuantType
        from transformers.exporters.quantizers.quantizer_onnxruntime import (
            OnnxRuntimeDynamicConfig,
            OnnxRuntimeQuantizer,
        )

        config = OnnxRuntimeDynamicConfig(
            op_types_to_quantize=["Attention", *_PRODUCTS],
            per_channel=True,
            weight_type=QuantType.QInt8,
            # without it the quantiser refuses what follows a node of ONNX Runtime's own
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT, "MatMulConstBOnly": True},
        )
        quantised = OnnxRuntimeQuantizer(config).quantize(model, {}, ExportFormat.ONNX)
    widen_steps(quantised, model)
    return quantised


def quantize_static(model: onnx_ir.Model, samples: Iterable[dict[str, Tensor]]) -> onnx_ir.Model:
    """Return the graph with int8 weights, and activations quantised to ranges seen on samples.

    The weights are such that all CPUs compute the same (`int8_range`).

    Args:
        model: As `convert` makes it for a static plan; it is left as it is.
        samples: Inputs by name; the ranges are those of all of them.
    """
    given = list(samples)
    with quiet_process():
        from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType
        from transformers.exporters.quantizers.quantizer_onnxruntime import (
            OnnxRuntimeQuantizer,
            OnnxRuntimeStaticConfig,
        )

        config = OnnxRuntimeStaticConfig(
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=_PRODUCTS,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={
                "DefaultTensorType": onnx.TensorProto.FLOAT,
                "MatMulConstBOnly": True,
                "OpTypesToExcludeOutputQuantization": _PRODUCTS,
            },
        )
        quantizer = OnnxRuntimeQuantizer(config, calibration_dataset=given)
        quantised = quantizer.quantize(model, given[0], ExportFormat.ONNX)
    widen_steps(quantised, model)
    return quantised


def to_half(model: onnx_ir.Model) -> onnx_ir.Model:
    """Return the graph with weights and activations in float16, inputs and outputs as they were.

    It is meant for GPUs; on a CPU, ONNX Runtime computes most of it in float32.
    """
    with quiet_process():
        from onnxruntime.transformers.float16 import convert_float_to_float16

        proto = onnx_ir.to_proto(model)
        half = convert_float_to_float16(proto, keep_io_types=True, disable_shape_infer=True)
        half.graph.ClearField("value_info")  # it describes float32 tensors
        made: onnx_ir.Model = onnx_ir.from_proto(half)
    return made
