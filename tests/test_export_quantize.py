"""int8 graphs: what becomes int8, what stays in float32, and how close they are to float32."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from bertslim.data.task import Batch
from bertslim.errors import BertslimError
from bertslim.export.fused_modules import Int8Embedding
from bertslim.export.int8_plan import Int8Plan, LayerMap
from bertslim.export.int8_survey import survey
from bertslim.export.onnx import convert, save
from bertslim.export.onnx_model import OnnxModel
from bertslim.export.parity import check_parity
from bertslim.export.quantize import quantize_dynamic, quantize_static
from bertslim.model.checkpoint import Checkpoint, load_checkpoint
from bertslim.model.families import FAMILIES
from bertslim.model.slim_modeling import layers_of

ATTENTION = {"bert": "attention.self", "mpnet": "attention.attn", "distilbert": "attention"}


@pytest.fixture
def load(make_checkpoint: Callable[..., Path]) -> Callable[..., Checkpoint]:
    """Return a function that loads a tiny model of two layers."""

    def make(model_type: str, head: str, **changes: Any) -> Checkpoint:
        layers = {FAMILIES[model_type].keys.layers: 2}
        return load_checkpoint(make_checkpoint(model_type, head, **layers, **changes))

    return make


def quantised(checkpoint: Checkpoint, path: Path, plan: Int8Plan | None = None) -> Path:
    """Write the graph in int8, and beside it as it was before."""
    graph = convert(checkpoint, plan or Int8Plan())
    save(quantize_dynamic(graph), path)
    save(graph, before_int8(path))  # last, for it rewrites the graph
    return path


def before_int8(path: Path) -> Path:
    return path.with_name(f"{path.stem}-float.onnx")


def operators(path: Path) -> Counter[str]:
    return Counter(node.op_type for node in onnx.load(path).graph.node)


def texts(checkpoint: Checkpoint, rows: int = 8, length: int = 12) -> Batch:
    draw = torch.Generator().manual_seed(0)
    ids = torch.randint(5, checkpoint.facts.vocab_size, (rows, length), generator=draw)
    return Batch({"input_ids": ids, "attention_mask": torch.ones_like(ids)}, tuple(range(rows)))


def distance(checkpoint: Checkpoint, path: Path) -> float:
    """Relative to PyTorch in float32."""
    inputs = texts(checkpoint).inputs
    with torch.inference_mode():
        expected = checkpoint.model(**inputs)[0]
    kinds = torch.zeros_like(inputs["input_ids"])
    (found, *_) = vars(OnnxModel(path)(**inputs, token_type_ids=kinds)).values()
    return float((found - expected).norm() / expected.norm())


@pytest.mark.parametrize("model_type", ["bert", "mpnet", "distilbert"])
@pytest.mark.parametrize("head", ["SequenceClassification", "QuestionAnswering", ""])
def test_all_products_with_weights_become_int8(
    load: Callable[..., Checkpoint], tmp_path: Path, model_type: str, head: str
) -> None:
    checkpoint = load(model_type, head)
    path = quantised(checkpoint, tmp_path / "int8.onnx")

    left = operators(path)
    assert not {"MatMul", "Gemm", "Attention", "FusedMatMul"} & set(left)
    matrices = [
        one
        for one in onnx.load(path).graph.initializer
        if one.data_type == onnx.TensorProto.FLOAT and min([*one.dims, 0][:2]) > 1
    ]
    tables = ("position_embeddings", "token_type_embeddings", "relative_attention_bias")
    assert not [one.name for one in matrices if not any(name in one.name for name in tables)]
    check_parity(checkpoint, OnnxModel(path), "int8")
    assert 1e-5 < distance(checkpoint, path) < 0.065


@pytest.mark.parametrize("model_type", ["bert", "distilbert"])
def test_fewer_heads_become_int8_too(
    make_checkpoint: Callable[..., Path],
    make_recipe: Callable[..., Any],
    cut: Callable[..., Path],
    tmp_path: Path,
    model_type: str,
) -> None:
    recipe = make_recipe({"op": "prune_heads", "layers": 0, "heads": 3, "criterion": "magnitude"})
    base = make_checkpoint(model_type, "", **{FAMILIES[model_type].keys.layers: 2})
    checkpoint = load_checkpoint(cut(base, recipe))
    path = quantised(checkpoint, tmp_path / "int8.onnx")

    assert operators(path)["QAttention"] == 2
    assert distance(checkpoint, path) < 0.05


def test_a_position_bias_that_the_quantiser_would_drop_is_kept(
    load: Callable[..., Checkpoint], tmp_path: Path
) -> None:
    checkpoint = load("mpnet", "")
    bias = checkpoint.model.get_parameter("encoder.relative_attention_bias.weight")
    with torch.no_grad():
        bias.copy_(5 * torch.randn_like(bias))
    path = quantised(checkpoint, tmp_path / "int8.onnx")
    assert distance(checkpoint, path) < 0.05

    graph = onnx.load(path)
    for node in graph.graph.node:
        if node.op_type == "MultiHeadAttention":
            node.input[5] = ""
    onnx.save(graph, tmp_path / "dropped.onnx")
    with pytest.raises(BertslimError, match="does not answer as PyTorch does"):
        check_parity(checkpoint, OnnxModel(tmp_path / "dropped.onnx"), "int8")


@pytest.mark.parametrize("model_type", ["bert", "mpnet", "distilbert"])
def test_ranges_that_are_settled_beforehand_are_those_of_the_samples(
    load: Callable[..., Checkpoint], tmp_path: Path, model_type: str
) -> None:
    checkpoint = load(model_type, "")
    give_one_neuron_an_outlier(checkpoint)
    plan = replace(survey(checkpoint, [texts(checkpoint)]), static=True)
    samples = [texts(checkpoint).inputs | {"token_type_ids": torch.zeros(8, 12, dtype=torch.int64)}]
    path = tmp_path / "static.onnx"
    save(quantize_static(convert(checkpoint, plan), samples), path)

    left = operators(path)
    assert left["DynamicQuantizeLinear"] == 0
    assert left["QuantizeLinear"] >= 2 * 3
    assert left["FusedMatMul"] == 2, "outlier neurons stay in float32"
    assert 1e-5 < distance(checkpoint, path) < 0.05


def test_each_word_has_a_scale_of_its_own() -> None:
    embedding = nn.Embedding(50, 16)
    with torch.no_grad():
        embedding.weight[7] *= 1000
        embedding.weight[9] = 0
    made = Int8Embedding(embedding)

    ids = torch.arange(50).view(5, 10)
    error = (made(ids) - embedding(ids)).abs()
    largest = embedding.weight.abs().amax(dim=1).view(5, 10, 1)
    assert (error <= largest / 127 / 2 + 1e-6).all()
    assert made.get_buffer("weight").dtype == torch.int8


def give_one_neuron_an_outlier(checkpoint: Checkpoint) -> None:
    """Neuron 3 of layer 0 answers hundreds of times as strongly as the others."""
    family = FAMILIES[checkpoint.facts.model_type]
    layer = layers_of(checkpoint.model, family)[0]
    with torch.no_grad():
        layer.get_submodule(family.layout.ffn.input).get_parameter("weight")[3] *= 3000
        layer.get_submodule(family.layout.ffn.output).get_parameter("weight")[:, 3] /= 3000


@pytest.mark.parametrize("model_type", ["bert", "mpnet", "distilbert"])
def test_outlier_neurons_are_found_and_stay_in_float32(
    load: Callable[..., Checkpoint], tmp_path: Path, model_type: str
) -> None:
    checkpoint = load(model_type, "")
    give_one_neuron_an_outlier(checkpoint)

    plan = survey(checkpoint, [texts(checkpoint)])

    assert list(plan.outlier_neurons) == [0]
    assert 3 in plan.outlier_neurons[0]
    apart = quantised(checkpoint, tmp_path / "apart.onnx", plan)
    assert operators(apart)["FusedMatMul"] == 2
    together = quantised(checkpoint, tmp_path / "together.onnx")
    assert distance(checkpoint, apart) < distance(checkpoint, together) / 3


@pytest.mark.parametrize("width", [1, 8, 32])
def test_of_a_narrow_block_not_all_neurons_are_outliers(
    load: Callable[..., Checkpoint], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setattr("bertslim.export.int8_survey.TOLERABLE", 0.0)
    checkpoint = load("bert", "", intermediate_size=width)

    plan = survey(checkpoint, [texts(checkpoint)])

    assert all(len(neurons) == width - 1 for neurons in plan.outlier_neurons.values())
    assert bool(plan.outlier_neurons) == (width > 1)
    assert distance(checkpoint, quantised(checkpoint, tmp_path / "narrow.onnx", plan)) < 0.1


def give_one_channel_an_outlier(checkpoint: Checkpoint) -> None:
    """Channel 2 of all that the maps of layer 0 read is hundreds of times as strong as others."""
    family = FAMILIES[checkpoint.facts.model_type]
    layout, layer = family.layout, layers_of(checkpoint.model, family)[0]
    embeddings: Any = checkpoint.model.base_model.get_submodule("embeddings")
    norms = {
        (layout.ffn.input,): layer.get_submodule(layout.attention.norm_after),
        layout.attention.inputs: embeddings.LayerNorm,
    }
    with torch.no_grad():
        for readers, norm in norms.items():
            norm.get_parameter("weight")[2] *= 300
            for name in readers:
                layer.get_submodule(name).get_parameter("weight")[:, 2] /= 300


def assert_exact_in_float32(checkpoint: Checkpoint, smooth: Path, plan: Int8Plan) -> None:
    """Before it is quantised, a graph with smoothing answers as one without."""
    rough = smooth.with_name("without.onnx")
    save(convert(checkpoint, replace(plan, smoothing={})), rough)
    inputs = texts(checkpoint).inputs
    kinds = torch.zeros_like(inputs["input_ids"])
    answers = [
        next(iter(vars(OnnxModel(path)(**inputs, token_type_ids=kinds)).values()))
        for path in (before_int8(smooth), rough)
    ]
    assert torch.allclose(*answers, atol=1e-3 * float(answers[1].abs().max()))


@torch.no_grad()
def int8_error(checkpoint: Checkpoint, one: LayerMap, scale: torch.Tensor) -> float:
    """What int8 changes in the output of a map for a typical token."""
    family = FAMILIES[checkpoint.facts.model_type]
    module = layers_of(checkpoint.model, family)[one.layer].get_submodule(one.name)
    seen: list[torch.Tensor] = []
    hook = module.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    checkpoint.model(**texts(checkpoint).inputs)
    hook.remove()
    weight = module.get_parameter("weight") * scale
    largest = weight.abs().amax(dim=1, keepdim=True)
    rounded_weight = (weight / largest * 127).round() * largest / 127
    (inputs,) = seen
    step = ((inputs / scale).max() - (inputs / scale).min()) / 255
    rounded = (inputs / scale / step).round() * step
    errors = rounded @ rounded_weight.T - inputs @ module.get_parameter("weight").T
    return float(errors.square().sum(dim=-1).median())


@pytest.mark.parametrize("model_type", ["bert", "mpnet", "distilbert"])
@pytest.mark.parametrize("head", ["", "SequenceClassification"])
def test_strong_channels_are_smoothed(
    load: Callable[..., Checkpoint], tmp_path: Path, model_type: str, head: str
) -> None:
    checkpoint = load(model_type, head)
    give_one_channel_an_outlier(checkpoint)
    layout = FAMILIES[model_type].layout

    plan = survey(checkpoint, [texts(checkpoint)])

    maps = [LayerMap(0, name) for name in (layout.ffn.input, layout.attention.modules[0])]
    assert set(maps) <= set(plan.smoothing)
    for one in maps:
        largest, *others = plan.smoothing[one].sort(descending=True).values
        assert plan.smoothing[one].argmax() == 2
        assert largest > 10 * max(others)
    smooth = quantised(checkpoint, tmp_path / "smooth.onnx", plan)
    rough = quantised(checkpoint, tmp_path / "rough.onnx")
    assert operators(smooth)["MatMul"] == operators(rough)["MatMul"] == 0
    assert (
        int8_error(checkpoint, maps[0], plan.smoothing[maps[0]])
        < int8_error(checkpoint, maps[0], torch.ones(1)) / 10
    )
    assert_exact_in_float32(checkpoint, smooth, plan)


@pytest.mark.parametrize("model_type", ["bert", "mpnet", "distilbert"])
def test_strong_channels_of_contexts_are_smoothed_without_a_node(
    load: Callable[..., Checkpoint], tmp_path: Path, model_type: str
) -> None:
    checkpoint = load(model_type, "")
    layout = FAMILIES[model_type].layout
    layer = layers_of(checkpoint.model, FAMILIES[model_type])[0]
    with torch.no_grad():
        for kind in ("weight", "bias"):
            layer.get_submodule(layout.attention.inputs[2]).get_parameter(kind)[2] *= 300
        layer.get_submodule(layout.attention.output).get_parameter("weight")[:, 2] /= 300

    plan = survey(checkpoint, [texts(checkpoint)])

    one = LayerMap(0, layout.attention.output)
    assert plan.smoothing[one].argmax() == 2
    alone = replace(plan, smoothing={one: plan.smoothing[one]})
    smooth = quantised(checkpoint, tmp_path / "smooth.onnx", alone)
    rough = quantised(checkpoint, tmp_path / "rough.onnx", replace(plan, smoothing={}))
    assert operators(smooth) == operators(rough)
    assert (
        int8_error(checkpoint, one, plan.smoothing[one])
        < int8_error(checkpoint, one, torch.ones(1)) / 10
    )
    assert_exact_in_float32(checkpoint, smooth, alone)


def test_a_block_that_layers_share_is_not_smoothed(
    make_checkpoint, make_recipe, cut: Callable[..., Path]
) -> None:
    recipe = make_recipe({"op": "share_ffn", "layers": [0, 1]}, name="sharing")
    checkpoint = load_checkpoint(cut(make_checkpoint("bert", ""), recipe))
    give_one_channel_an_outlier(checkpoint)

    plan = survey(checkpoint, [texts(checkpoint)])

    name = FAMILIES["bert"].layout.ffn.input
    assert not {LayerMap(0, name), LayerMap(1, name)} & set(plan.smoothing)


def test_a_map_in_float32_is_not_smoothed(load: Callable[..., Checkpoint], tmp_path: Path) -> None:
    checkpoint = load("bert", "")
    give_one_channel_an_outlier(checkpoint)
    plan = survey(checkpoint, [texts(checkpoint)])
    whole = replace(plan, float_maps=plan.sensitive, sensitive=())
    assert distance(checkpoint, quantised(checkpoint, tmp_path / "whole.onnx", whole)) < 0.02


def test_a_model_without_outliers_is_int8_throughout(load: Callable[..., Checkpoint]) -> None:
    plan = survey(checkpoint := load("bert", ""), [texts(checkpoint)])

    assert plan.outlier_neurons == {}
    assert plan.float_maps == ()
    assert len(plan.sensitive) == 2 * 4, "query, key and value are one product"


def test_query_key_and_value_beside_a_position_bias_share_their_input(
    load: Callable[..., Checkpoint], tmp_path: Path
) -> None:
    """It is smoothed once and quantised once, and nothing has to be split."""
    checkpoint = load("mpnet", "")
    give_one_channel_an_outlier(checkpoint)
    plan = survey(checkpoint, [texts(checkpoint)])
    attention = LayerMap(0, ATTENTION["mpnet"])
    alone = replace(plan, smoothing={attention: plan.smoothing[attention]})

    smooth = quantised(checkpoint, tmp_path / "smooth.onnx", alone)
    rough = quantised(checkpoint, tmp_path / "rough.onnx", replace(plan, smoothing={}))

    for path in (smooth, rough):
        products = [one for one in onnx.load(path).graph.node if one.op_type == "MatMulInteger"]
        readers = Counter(one.input[0] for one in products)
        assert list(readers.values()).count(3) == 2, "one input of three products in each layer"
        assert operators(path)["Split"] == 0
    assert operators(smooth)["Mul"] == operators(rough)["Mul"] + 1


@pytest.mark.parametrize("model_type", ["bert", "mpnet", "distilbert"])
@pytest.mark.parametrize("head", ["SequenceClassification", ""])
def test_what_is_left_in_float32_is_exact(
    load: Callable[..., Checkpoint], tmp_path: Path, model_type: str, head: str
) -> None:
    checkpoint = load(model_type, head)
    give_one_neuron_an_outlier(checkpoint)
    plan = survey(checkpoint, [texts(checkpoint)])
    everything = plan.leaving(len(plan.sensitive))

    assert LayerMap(0, ATTENTION[model_type]) in everything.float_maps
    path = quantised(checkpoint, tmp_path / "float.onnx", everything)
    left = operators(path)
    assert left["QAttention"] == 0
    assert left["MatMulInteger"] <= 2, "what stands on the encoder"
    assert distance(checkpoint, path) < distance(
        checkpoint, quantised(checkpoint, tmp_path / "int8.onnx")
    )


def test_layers_that_share_a_block_share_its_parts(
    make_checkpoint: Callable[..., Path],
    make_recipe: Callable[..., Any],
    cut: Callable[..., Path],
    tmp_path: Path,
) -> None:
    recipe = make_recipe(
        {"op": "resize_ffn", "layers": "all", "width": 24, "bypass": 8},
        {"op": "share_ffn", "layers": "all"},
        reconstruct={"samples": 1},
    )
    base = make_checkpoint("bert", "", num_hidden_layers=2)
    checkpoint = load_checkpoint(cut(base, recipe))
    give_one_neuron_an_outlier(checkpoint)

    plan = survey(checkpoint, [texts(checkpoint)])

    assert list(plan.outlier_neurons) == [0]
    path = quantised(checkpoint, tmp_path / "int8.onnx", plan)
    assert operators(path)["FusedMatMul"] == 2 * 2
    few = [one for one in onnx.load(path).graph.initializer if 8 in one.dims and one.data_type == 1]
    assert len({one.name for one in few if "few" in one.name}) <= 4
    assert distance(checkpoint, path) < 0.05


def test_the_bias_of_an_int8_product_is_added_inside_it(
    load: Callable[..., Checkpoint], tmp_path: Path
) -> None:
    path = quantised(load("bert", ""), tmp_path / "int8.onnx")
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "loaded.onnx")
    onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    loaded = onnx.load(tmp_path / "loaded.onnx").graph.node
    products = [node for node in loaded if node.op_type == "DynamicQuantizeMatMul"]
    assert len(products) >= 3 * 2
    assert all(len(node.input) > 4 and node.input[4] for node in products)
    assert not [node for node in loaded if node.op_type.startswith(("Skip", "Bias"))]


def test_a_graph_is_called_as_the_model_is(load: Callable[..., Checkpoint], tmp_path: Path) -> None:
    checkpoint = load("distilbert", "QuestionAnswering")
    save(convert(checkpoint), tmp_path / "model.onnx")

    found = OnnxModel(tmp_path / "model.onnx")(**texts(checkpoint).inputs)

    assert list(vars(found)) == ["start_logits", "end_logits"]
    with torch.inference_mode():
        expected = checkpoint.model(**texts(checkpoint).inputs)
    np.testing.assert_allclose(found.end_logits, expected.end_logits, atol=1e-5)
