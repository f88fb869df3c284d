"""int8 products that are the same on all CPUs, against a plain reference of the older ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx_ir
import pytest
import torch

from bertslim.export.int8_plan import Int8Plan
from bertslim.export.int8_range import MOST, count_products, pair_sums, weight_steps
from bertslim.export.onnx import convert
from bertslim.export.quantize import quantize_dynamic, quantize_static
from bertslim.model.checkpoint import load_checkpoint
from bertslim.model.families import FAMILIES
from support.saturating import exact_product, saturating_product


def rounded(weight: torch.Tensor, steps: torch.Tensor) -> np.ndarray:
    return (weight / steps).round().clamp(-MOST, MOST).to(torch.int8).numpy()


def hard_weights(seed: int, inputs: int = 37) -> torch.Tensor:
    """Neighbours of one sign and of both, large and small, in an odd number."""
    draw = torch.Generator().manual_seed(seed)
    weight = torch.randn(50, inputs, generator=draw)
    weight[:10] = weight[:10].abs()
    weight[10:20] = weight[10:20].sign()
    weight[20, :] = 0
    return weight


def extreme_inputs(weight: np.ndarray, seed: int) -> np.ndarray:
    """Activations that add up as far as they can, output by output, and random ones."""
    draw = np.random.default_rng(seed)
    random = draw.integers(0, 256, (20, weight.shape[1]))
    return np.concatenate([255 * (weight > 0), 255 * (weight < 0), random]).astype(np.uint8)


@pytest.mark.parametrize("seed", range(5))
def test_no_activations_saturate_the_products(seed: int) -> None:
    weight = hard_weights(seed)
    small = rounded(weight, weight_steps(weight))
    inputs = extreme_inputs(small, seed)
    assert (saturating_product(inputs, small) == exact_product(inputs, small)).all()

    usual = rounded(weight, weight.abs().amax(dim=1, keepdim=True).clamp(min=1e-9) / MOST)
    inputs = extreme_inputs(usual, seed)
    assert (saturating_product(inputs, usual) != exact_product(inputs, usual)).any()


def test_steps_are_no_wider_than_they_have_to_be() -> None:
    weight = hard_weights(0)
    usual = weight.abs().amax(dim=1, keepdim=True) / MOST
    steps = weight_steps(weight)
    assert (steps[:20] > usual[:20]).any()
    assert (steps <= 2 * usual.clamp(min=1e-9)).all(), "7 bits are always enough"
    alone = torch.zeros(1, 8)
    alone[0, ::2] = torch.tensor([1.0, -2.0, 3.0, 0.5])
    assert weight_steps(alone) == pytest.approx(3 / MOST), "of one weight a pair"


def test_pair_sums_are_those_of_one_sign() -> None:
    weight = torch.tensor([[1.0, 2.0, -3.0, 4.0, -5.0]])
    assert pair_sums(weight).tolist() == [[3, 4, 5]]


@pytest.mark.parametrize("model_type", ["bert", "mpnet", "distilbert"])
@pytest.mark.parametrize("static", [False, True])
def test_every_int8_product_of_a_graph_is_exact(
    make_checkpoint: Callable[..., Path], model_type: str, static: bool
) -> None:
    layers = {FAMILIES[model_type].keys.layers: 2}
    checkpoint = load_checkpoint(make_checkpoint(model_type, "SequenceClassification", **layers))
    graph = convert(checkpoint, Int8Plan(static=static))
    ids = torch.randint(5, 90, (4, 12))
    sample = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if model_type == "bert":
        sample["token_type_ids"] = torch.zeros_like(ids)
    quantised = quantize_static(graph, [sample]) if static else quantize_dynamic(graph)

    found = count_products(quantised)
    assert found.saturating == 0
    weights = {
        name.removesuffix("_quantized"): value.const_value.numpy()
        for name, value in quantised.graph.initializers.items()
        if name.endswith("_quantized") and value.const_value.numpy().dtype == np.int8
    }
    assert found.number == len(weights) >= 8
    for name, weight in weights.items():
        before = graph.graph.initializers[name].const_value.numpy()
        step = quantised.graph.initializers[f"{name}_scale"].const_value.numpy()
        assert is_rounded(weight, step, before), name


def is_rounded(weight: np.ndarray, step: np.ndarray, before: np.ndarray) -> bool:
    """Whether int8 weights are the others in steps of their outputs, whichever way they lie."""
    ways = [
        (abs(one * step - other) <= 0.51 * step).all()
        for one in (weight, weight.T)
        for other in (before, before.T)
        if one.shape == other.shape and one.shape[1] == len(step)
    ]
    return any(ways)


def test_a_product_that_may_saturate_is_counted() -> None:
    inputs = onnx_ir.Input(
        "a", onnx_ir.Shape([None, 4]), onnx_ir.TensorType(onnx_ir.DataType.UINT8)
    )
    weight = onnx_ir.tensor(np.full((4, 3), 100, dtype=np.int8), name="w_quantized")
    value = onnx_ir.Value(name="w_quantized", const_value=weight)
    node = onnx_ir.node("MatMulInteger", [inputs, value])
    graph = onnx_ir.Graph([inputs], node.outputs, nodes=[node], initializers=[value])
    model = onnx_ir.Model(graph, ir_version=10)
    found = count_products(model)
    assert (found.number, found.saturating) == (1, 1)
