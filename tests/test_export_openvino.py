"""OpenVINO IR: what stands in it, and that OpenVINO answers as PyTorch does."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bertslim.errors import BertslimError
from bertslim.export.openvino import convert, count_products, quantize_static, save
from bertslim.export.openvino_model import OpenVinoModel
from bertslim.export.parity import TOLERANCE, check_parity
from bertslim.model.checkpoint import Checkpoint
from bertslim.model.families import FAMILIES
from support.full_disk import files_of_at_most
from support.uneven_models import CASES, MORE, uneven_model

pytest.importorskip("openvino")


@pytest.fixture
def slim(
    make_checkpoint: Callable[..., Path], make_recipe: Callable[..., Any], cut: Callable[..., Path]
) -> Callable[[str, str], Checkpoint]:
    """Return a function that makes a tiny model with a gap in every layer."""
    return partial(uneven_model, make_checkpoint, make_recipe, cut)


def written(checkpoint: Checkpoint, directory: Path, *calibration: Any) -> OpenVinoModel:
    graph, weights = directory / "graph.xml", directory / "weights.bin"
    model = convert(checkpoint)
    if calibration:
        model = quantize_static(model, calibration, checkpoint)
    save(model, graph, weights)
    return OpenVinoModel(graph, weights)


@pytest.mark.parametrize(("model_type", "head"), [*CASES, *MORE])
def test_an_uneven_slim_model_answers_as_pytorch_does(
    slim: Callable[..., Checkpoint], tmp_path: Path, model_type: str, head: str
) -> None:
    checkpoint = slim(model_type, head)

    model = written(checkpoint, tmp_path)

    assert type(checkpoint.model).__name__.startswith("Slim")
    assert check_parity(checkpoint, model).relative <= TOLERANCE["fp32"]
    types = ["token_type_ids"] if FAMILIES[model_type].defaults["type_vocab_size"] else []
    types = [] if checkpoint.model.config.to_dict().get("type_vocab_size", 1) == 1 else types
    assert list(model.inputs) == ["input_ids", "attention_mask", *types]
    first = {"": "last_hidden_state", "QuestionAnswering": "start_logits"}.get(head, "logits")
    assert model.outputs[0] == first


def test_a_file_that_is_loaded_plainly_is_as_openvino_runs_it(
    slim: Callable[..., Checkpoint], tmp_path: Path
) -> None:
    import openvino

    checkpoint = slim("bert", "SequenceClassification")
    assert not written(checkpoint, tmp_path).in_bfloat16
    files = tmp_path / "graph.xml", tmp_path / "weights.bin"
    core = openvino.Core()
    multiplies = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    assert OpenVinoModel(*files, precision="bf16").in_bfloat16 is multiplies
    compiled = core.compile_model(core.read_model(*files), "CPU")
    found = OpenVinoModel(*files, precision=None).in_bfloat16
    assert found is (compiled.get_property("INFERENCE_PRECISION_HINT") == openvino.Type.bf16)


def test_other_weights_are_told_apart(slim: Callable[..., Checkpoint], tmp_path: Path) -> None:
    checkpoint = slim("bert", "SequenceClassification")
    model = written(checkpoint, tmp_path)
    with torch.no_grad():
        checkpoint.model.get_parameter("classifier.bias").add_(1)

    with pytest.raises(BertslimError, match=r"^OpenVINO does not answer as PyTorch does: logits"):
        check_parity(checkpoint, model)


def test_weights_are_float32_and_paths_stay_at_home(
    slim: Callable[..., Checkpoint], tmp_path: Path
) -> None:
    checkpoint = slim("bert", "SequenceClassification")
    written(checkpoint, tmp_path)

    graph = (tmp_path / "graph.xml").read_text()
    assert 'element_type="f16"' not in graph
    assert str(Path.home()) not in graph
    assert str(Path(torch.__file__).parent) not in graph
    needed = sum(one.nbytes for one in checkpoint.model.parameters())
    assert (tmp_path / "weights.bin").stat().st_size >= needed


def test_int8_is_calibrated_and_close(slim: Callable[..., Checkpoint], tmp_path: Path) -> None:
    pytest.importorskip("nncf")
    checkpoint = slim("bert", "SequenceClassification")
    ids = torch.randint(5, checkpoint.facts.vocab_size, (8, 1, 12))
    calls = [
        {
            "input_ids": one,
            "attention_mask": torch.ones_like(one),
            "token_type_ids": torch.zeros_like(one),
        }
        for one in ids
    ]

    model = written(checkpoint, tmp_path, *calls)

    assert "FakeQuantize" in (tmp_path / "graph.xml").read_text()
    assert 1e-6 < check_parity(checkpoint, model, "int8").relative < TOLERANCE["int8"]


@pytest.mark.parametrize(("largest", "saturating"), [(64, 0), (65, 1)])
@pytest.mark.parametrize("transposed", [False, True])
def test_products_that_may_saturate_are_counted(
    largest: int, saturating: int, transposed: bool
) -> None:
    from openvino import Model, opset13

    weight = np.zeros(
        (3, 4), dtype=np.int8
    )  # (out, in): inputs 2 and 3 are a pair, 1 and 2 are not
    weight[1] = [0, 127, largest, 64]
    constant = opset13.constant(weight if transposed else np.ascontiguousarray(weight.T))
    floats = opset13.multiply(opset13.convert(constant, np.float32), np.float32(0.1))
    inputs = opset13.parameter([-1, 4], np.float32)
    product = opset13.matmul(inputs, floats, False, transposed)
    in_float32 = opset13.matmul(product, np.ones((3, 3), dtype=np.float32), False, False)
    found = count_products(Model([opset13.result(in_float32)], [inputs]))
    assert (found.number, found.saturating) == (1, saturating)


@pytest.mark.parametrize("lacking", [1, 100_000])
def test_a_full_disk_is_an_error_and_no_file_that_is_cut_short(
    lacking: int, tmp_path: Path
) -> None:
    import openvino

    values = openvino.opset13.constant(np.random.default_rng(0).random((200, 200)))
    model = openvino.Model([openvino.opset13.result(values)], [])
    graph, weights = tmp_path / "model.xml", tmp_path / "model.bin"
    save(model, graph, weights)
    whole = weights.stat().st_size
    with (
        files_of_at_most(whole - lacking),
        pytest.raises(OSError, match=r"no space is left|too large"),
    ):
        save(model, graph, weights)
    save(model, graph, weights)
    assert weights.stat().st_size == whole
