"""The ONNX file: what stands in it, and that ONNX Runtime answers as PyTorch does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from bertslim.errors import BertslimError, InputError
from bertslim.export import onnx as export_onnx
from bertslim.export.onnx import convert, save
from bertslim.export.onnx_model import OnnxModel
from bertslim.export.parity import TOLERANCE, check_parity, parity_inputs
from bertslim.model.checkpoint import Checkpoint, load_checkpoint
from bertslim.model.families import FAMILIES
from bertslim.model.heads import heads_of, predicts_words
from bertslim.model.slim_modeling import layers_of, linear_of
from support.uneven_models import UNEVEN

QUICK = [
    (model_type, head)
    for model_type in ("bert", "mpnet", "distilbert")
    for head in ("SequenceClassification", "", "QuestionAnswering")
]
REST = [
    pytest.param(family.model_type, head, marks=pytest.mark.slow)
    for family in FAMILIES.values()
    for head in heads_of(family)
    if (family.model_type, head) not in QUICK
]
OUTPUTS = {
    "": "last_hidden_state",
    "QuestionAnswering": "start_logits",
    "PreTraining": "prediction_logits",
}
LINEAR = [
    {"op": "resize_ffn", "layers": "all", "width": 24, "bypass": 8},
    {"op": "share_ffn", "layers": "all"},
]
FILLED = [{"op": "drop_ffn", "layers": 0, "fill": "linear"}]
ODD = {"dtype": "bfloat16", "output_hidden_states": True}


@pytest.fixture(scope="module")
def exported(
    make_checkpoint: Callable[..., Path],
    make_recipe: Callable[..., Any],
    cut: Callable[..., Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., tuple[Checkpoint, Path]]:
    """Return a function that cuts a tiny model by a recipe and exports what is left."""
    made: dict[str, tuple[Checkpoint, Path]] = {}

    def make(
        model_type: str, head: str, *operations: dict[str, Any], **changes: Any
    ) -> tuple[Checkpoint, Path]:
        key = str((model_type, head, operations, changes))
        if key not in made:
            layers = {FAMILIES[model_type].keys.layers: 2}
            directory = make_checkpoint(model_type, head, **layers, **changes)
            if operations:
                recipe = make_recipe(*operations, name="uneven", reconstruct={"samples": 1})
                directory = cut(directory, recipe)
            checkpoint = load_checkpoint(directory)
            draw_linear_maps(checkpoint)
            widen_position_bias(checkpoint)
            path = tmp_path_factory.mktemp("onnx") / "model.onnx"
            save(convert(checkpoint), path)
            made[key] = checkpoint, path
        return made[key]

    return make


@torch.no_grad()
def draw_linear_maps(checkpoint: Checkpoint) -> None:
    """Let no linear map say zero, as it does before it is solved."""
    family = FAMILIES[checkpoint.facts.model_type]
    for layer in layers_of(checkpoint.model, family):
        if (linear := linear_of(layer, family)) is not None:
            for parameter in linear.parameters():
                parameter.copy_(0.2 * torch.randn_like(parameter))


@torch.no_grad()
def widen_position_bias(checkpoint: Checkpoint) -> None:
    """Let a bias that layers share be so large that one of another head would show."""
    for name, parameter in checkpoint.model.named_parameters():
        if "relative_attention_bias" in name:
            parameter.mul_(50)


def operators(path: Path) -> Counter[str]:
    return Counter(node.op_type for node in onnx.load(path).graph.node)


def axes(value: Any) -> list[str | int]:
    return [axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim]


@pytest.mark.parametrize(("model_type", "head"), [*QUICK, *REST])
def test_an_uneven_slim_model_answers_as_pytorch_does(
    exported: Callable[..., Any], model_type: str, head: str
) -> None:
    checkpoint, path = exported(model_type, head, *UNEVEN)

    assert type(checkpoint.model).__name__.startswith("Slim")
    assert check_parity(checkpoint, OnnxModel(path)).relative <= TOLERANCE["fp32"]


@pytest.mark.parametrize("model_type", ["bert", "mpnet", "distilbert"])
def test_linear_maps_and_shared_blocks_answer_as_pytorch_does(
    exported: Callable[..., Any], model_type: str
) -> None:
    checkpoint, path = exported(model_type, "SequenceClassification", *LINEAR)
    check_parity(checkpoint, OnnxModel(path))
    weights = [one for one in onnx.load(path).graph.initializer if list(one.dims) == [32, 24]]
    assert len(weights) == 1, "the shared block is in the file once"

    filled, path = exported(model_type, "SequenceClassification", *FILLED)
    check_parity(filled, OnnxModel(path))
    assert operators(path)["Gelu"] == 1


@pytest.mark.parametrize("head", ["SequenceClassification", "QuestionAnswering"])
@pytest.mark.parametrize("model_type", ["bert", "distilbert", "mpnet"])
def test_fewer_heads_answer_as_pytorch_does(
    exported: Callable[..., Any], model_type: str, head: str
) -> None:
    operation = {"op": "prune_heads", "layers": 1, "heads": 3, "criterion": "magnitude"}
    checkpoint, path = exported(model_type, head, operation)
    check_parity(checkpoint, OnnxModel(path))


@pytest.mark.parametrize(("model_type", "head"), [*QUICK, *REST])
def test_inputs_and_outputs_have_the_usual_names_and_free_axes(
    exported: Callable[..., Any], model_type: str, head: str
) -> None:
    _, path = exported(model_type, head, *UNEVEN)
    graph = onnx.load(path).graph
    choices = ["num_choices"] if head == "MultipleChoice" else []

    tells_types_apart = FAMILIES[model_type].defaults["type_vocab_size"] > 0
    names = ["input_ids", "attention_mask", *(["token_type_ids"] if tells_types_apart else [])]
    assert [value.name for value in graph.input] == names
    for value in graph.input:
        assert axes(value) == ["batch_size", *choices, "sequence_length"]
    finds_replaced = head == "PreTraining" and not predicts_words(FAMILIES[model_type], head)
    first = "logits" if finds_replaced else OUTPUTS.get(head, "logits")
    assert graph.output[0].name == first
    assert axes(graph.output[0])[0] == "batch_size"


def test_a_question_answering_model_has_both_its_outputs(exported: Callable[..., Any]) -> None:
    _, path = exported("bert", "QuestionAnswering", *UNEVEN)

    names = [value.name for value in onnx.load(path).graph.output]
    assert names == ["start_logits", "end_logits"]


def test_a_model_without_token_types_does_not_ask_for_them(exported: Callable[..., Any]) -> None:
    _, path = exported("roberta", "", type_vocab_size=1)

    names = [value.name for value in onnx.load(path).graph.input]
    assert names == ["input_ids", "attention_mask"]


def test_any_batch_and_length_can_be_run(exported: Callable[..., Any]) -> None:
    _, path = exported("mpnet", "", *UNEVEN)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    for batch, length in ((1, 1), (1, 2), (2, 1), (5, 38)):
        ids = np.full((batch, length), 7)
        (hidden, *_) = session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})
        assert hidden.shape == (batch, length, 32)


@pytest.mark.parametrize("model_type", ["bert", "mpnet", "distilbert"])
def test_what_was_cut_is_gone_from_the_graph(exported: Callable[..., Any], model_type: str) -> None:
    checkpoint, path = exported(model_type, "SequenceClassification", *UNEVEN)
    graph = onnx.load(path).graph

    left = operators(path)
    assert left["Gelu"] == 1, "one of two FFN blocks is left"
    assert left["MultiHeadAttention"] == 1, "one of two attention blocks is left"
    assert left["LayerNormalization"] == 1 + 2 * 2, "the LayerNorm behind a block stays"
    assert left["ConstantOfShape"] == 0, "no zero is added where a block stood"
    floats = [one for one in graph.initializer if one.data_type == onnx.TensorProto.FLOAT]
    weights = sum(int(np.prod(one.dims)) for one in floats if one.dims)
    parameters = sum(parameter.numel() for parameter in checkpoint.model.parameters())
    unused = sum(
        parameter.numel()
        for name, parameter in checkpoint.model.named_parameters()
        if model_type == "mpnet" and name.endswith("relative_attention_bias.weight")
    )
    assert parameters - unused <= weights <= parameters + 2 * 3


def test_a_layer_with_nothing_left_costs_nothing(exported: Callable[..., Any]) -> None:
    checkpoint, path = exported(
        "bert",
        "",
        {"op": "drop_ffn", "layers": [1], "layer_norm": "remove"},
        {"op": "drop_attention", "layers": [1], "layer_norm": "remove"},
        pooler=False,
    )

    left = operators(path)
    assert (left["LayerNormalization"], left["Attention"], left["Identity"]) == (1 + 2, 1, 0)
    check_parity(checkpoint, OnnxModel(path))


@pytest.mark.parametrize("model_type", ["bert", "mpnet", "distilbert"])
def test_attention_is_one_node_also_with_fewer_heads(
    exported: Callable[..., Any], model_type: str
) -> None:
    _, path = exported(model_type, "QuestionAnswering")
    assert operators(path)["Attention"] == 2
    assert not {"Softmax", "Erf"} & set(operators(path))

    operation = {"op": "prune_heads", "layers": 1, "heads": 3, "criterion": "magnitude"}
    _, path = exported(model_type, "QuestionAnswering", operation)
    assert operators(path)["Attention"] == 2


def test_only_the_first_token_asks_in_the_last_layer_where_the_head_reads_no_other(
    exported: Callable[..., Any],
) -> None:
    _, path = exported("bert", "SequenceClassification")

    left = operators(path)
    assert (left["Attention"], left["MultiHeadAttention"]) == (1, 1)
    one_token = [value for value in onnx.load(path).graph.value_info if axes(value)[1:2] == [1]]
    assert any(axes(value) == ["batch_size", 1, 64] for value in one_token), "its FFN neurons"


def test_the_position_bias_is_computed_for_one_sequence(exported: Callable[..., Any]) -> None:
    _, path = exported("mpnet", "")

    graph = onnx.load(path).graph
    bias = {node.input[5] for node in graph.node if node.op_type == "Attention"}
    assert len(bias) == 1
    (shape,) = (axes(value) for value in graph.value_info if value.name in bias)
    assert shape[0] == 1


def test_onnx_runtime_finds_nothing_to_fuse_that_is_slower_than_its_parts(
    exported: Callable[..., Any], tmp_path: Path
) -> None:
    _, path = exported("bert", "")
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "loaded.onnx")
    onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    loaded = operators(tmp_path / "loaded.onnx")
    assert loaded["LayerNormalization"] == 1 + 2 * 2
    assert not {one for one in loaded if one.startswith(("Skip", "Embed", "Bias"))}


@pytest.mark.parametrize("model_type", ["bert", "mpnet", "modernbert"])
def test_loading_prints_nothing(
    exported: Callable[..., Any], model_type: str, capfd: pytest.CaptureFixture[str]
) -> None:
    _, path = exported(model_type, "SequenceClassification")
    capfd.readouterr()
    onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert capfd.readouterr() == ("", "")


def test_half_precision_is_exported_in_float32(exported: Callable[..., Any]) -> None:
    checkpoint, path = exported("bert", "", *UNEVEN, **ODD)

    types = {tensor.data_type for tensor in onnx.load(path).graph.initializer}
    assert onnx.TensorProto.FLOAT in types
    assert not types & {onnx.TensorProto.BFLOAT16, onnx.TensorProto.FLOAT16}
    check_parity(checkpoint, OnnxModel(path))


def test_the_file_says_nothing_of_the_machine_that_wrote_it(exported: Callable[..., Any]) -> None:
    _, path = exported("bert", "", *UNEVEN)

    model = onnx.load(path)
    assert not any(node.metadata_props or node.doc_string for node in model.graph.node)
    assert str(Path(torch.__file__).parent).encode() not in path.read_bytes()


def test_hidden_states_are_not_put_out_though_the_configuration_asks_for_them(
    exported: Callable[..., Any],
) -> None:
    _, path = exported("bert", "", *UNEVEN, **ODD)

    names = [value.name for value in onnx.load(path).graph.output]
    assert names == ["last_hidden_state", "pooler_output"]


def test_parity_runs_one_token_few_tokens_padding_and_the_longest_input(
    exported: Callable[..., Any],
) -> None:
    checkpoint, _ = exported("roberta", "", type_vocab_size=1)
    inputs = parity_inputs(checkpoint)

    assert [one.label for one in inputs] == ["1x1", "1x7", "16x16 with padding", "2x38"]
    padded = inputs[2].tensors
    mask = padded["attention_mask"]
    assert mask.sum(dim=1).tolist() == [16 - 16 * row // 15 for row in range(16)]
    assert mask[2].tolist() == [1] * 14 + [0] * 2, "on the right"
    assert mask[3].tolist() == [0] * 3 + [1] * 13, "on the left"
    assert (padded["input_ids"][padded["attention_mask"] == 0] == 1).all(), "RoBERTa pads with 1"


def test_a_file_that_ignores_the_mask_is_found_out(
    exported: Callable[..., Any], tmp_path: Path
) -> None:
    checkpoint, path = exported("bert", "SequenceClassification", *UNEVEN)
    broken = onnx.load(path)
    masks = [node for node in broken.graph.node if "attention_mask" in node.input]
    for node in masks:
        node.input[list(node.input).index("attention_mask")] = "no_zero"
    yes = onnx.helper.make_node("Equal", ["input_ids", "input_ids"], ["yes"])
    ones = onnx.helper.make_node("Cast", ["yes"], ["no_zero"], to=onnx.TensorProto.INT64)
    broken.graph.node.insert(0, ones)
    broken.graph.node.insert(0, yes)
    onnx.save(broken, tmp_path / "broken.onnx")

    with pytest.raises(
        BertslimError, match=r"logits differs by .* at 16x16 with padding"
    ) as raised:
        check_parity(checkpoint, OnnxModel(tmp_path / "broken.onnx"))
    assert "\n" not in str(raised.value)


def test_a_file_with_one_wrong_weight_is_found_out(
    exported: Callable[..., Any], tmp_path: Path
) -> None:
    checkpoint, path = exported("bert", "", *UNEVEN)
    broken = onnx.load(path)
    norm = next(one for one in broken.graph.initializer if one.name.endswith("LayerNorm.weight"))
    weights = onnx.numpy_helper.to_array(norm).copy()
    weights[0] += 0.1
    norm.CopyFrom(onnx.numpy_helper.from_array(weights, norm.name))
    onnx.save(broken, tmp_path / "broken.onnx")

    with pytest.raises(BertslimError, match="does not answer as PyTorch does"):
        check_parity(checkpoint, OnnxModel(tmp_path / "broken.onnx"))


@pytest.mark.parametrize(("rows", "passes"), [(1, True), (16, False)])
def test_of_int8_one_text_may_waver_between_classes_but_not_all(
    make_checkpoint: Callable[..., Path], rows: int, passes: bool
) -> None:
    checkpoint = load_checkpoint(make_checkpoint("bert", "SequenceClassification"))

    class Wavering:
        runtime, attention = "a runtime", "eager"

        def __call__(self, **tensors: torch.Tensor) -> SimpleNamespace:
            with torch.no_grad():
                logits = checkpoint.model(**tensors).logits.clone()
            scale = float(logits.abs().max())
            if len(logits) > 2:
                logits[:rows] += scale
            return SimpleNamespace(logits=logits)

    if passes:
        found = check_parity(checkpoint, Wavering(), "int8")
        assert found.typical < TOLERANCE["int8"] < found.relative
        with pytest.raises(BertslimError, match=r"16x16 with padding, 0\.0001 is allowed"):
            check_parity(checkpoint, Wavering())
    else:
        with pytest.raises(BertslimError, match=r"16x16 with padding, 0\.5 is allowed"):
            check_parity(checkpoint, Wavering(), "int8")


def test_a_model_whose_answers_are_not_numbers_is_refused(
    exported: Callable[..., Any],
) -> None:
    checkpoint, path = exported("bert", "SequenceClassification", *UNEVEN)
    broken = replace(checkpoint, model=load_checkpoint(checkpoint.weights.paths[0].parent).model)
    with torch.no_grad():
        broken.model.classifier.bias.fill_(float("nan"))

    with pytest.raises(BertslimError, match="the head puts out numbers that are not finite"):
        check_parity(broken, OnnxModel(path))


def test_a_model_too_large_for_one_file_is_refused_before_it_is_converted(
    make_checkpoint: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_onnx, "MOST_BYTES", 1000)

    with pytest.raises(InputError, match=r"GiB in float32, one ONNX file can hold 2 GiB"):
        convert(load_checkpoint(make_checkpoint()))
