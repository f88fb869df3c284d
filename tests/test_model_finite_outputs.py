"""What a model puts out is finite, or the layer that it is not in is named."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bertslim.analyze.representations import watched
from bertslim.data.paired_batches import PairedBatch
from bertslim.data.task import Batch
from bertslim.errors import ModelError
from bertslim.export.parity import check_parity
from bertslim.measure.predictions import compare_predictions
from bertslim.model.finite_outputs import is_finite, require_finite_outputs
from bertslim.model.layer import model_layers
from support.checkpoints import checkpoint_of
from support.families import each_layered_family, head_or_encoder

REMEDY = "; the weights are damaged, or too large for their type"


@torch.no_grad()
def spoilt(model: Any, layer: int) -> Any:
    """Make a layer put out what is not finite."""
    output = model_layers(model)[layer].ffn.output
    spoilt_values = output.weight if output.bias is None else output.bias
    spoilt_values.fill_(math.inf)
    return model


@pytest.mark.parametrize("layer", [0, 3])
@each_layered_family
def test_the_lowest_layer_is_named(
    model_type: str, layer: int, tiny_model: Callable[..., Any], example_inputs
) -> None:
    model = spoilt(tiny_model(model_type, head_or_encoder(model_type, "MaskedLM")), layer)
    inputs = example_inputs()
    with torch.no_grad(), pytest.raises(ModelError) as caught:
        require_finite_outputs(model(**inputs), model, inputs, name="the base")
    assert str(caught.value) == (
        f"the base: layer {layer} puts out numbers that are not finite{REMEDY}"
    )


@pytest.mark.parametrize(
    ("module", "place"),
    [("bert.embeddings.LayerNorm", "the embedding"), ("classifier", "the head")],
)
def test_other_parts_are_named(
    module: str, place: str, tiny_model: Callable[..., Any], example_inputs
) -> None:
    model, inputs = tiny_model("bert", "TokenClassification"), example_inputs()
    with torch.no_grad():
        model.get_submodule(module).bias.fill_(math.inf)
        outputs = model(**inputs)
    with pytest.raises(ModelError, match=f"^it: {place} puts out numbers that are not finite"):
        require_finite_outputs(outputs, model, inputs, name="it")


def test_what_runs_elsewhere_has_no_layers() -> None:
    answer = SimpleNamespace(logits=torch.tensor([0.0, math.nan]))
    with pytest.raises(ModelError, match=r"^ONNX Runtime: puts out numbers that are not finite"):
        require_finite_outputs(answer, lambda: answer, {}, name="ONNX Runtime")
    fine = SimpleNamespace(logits=torch.ones(2), ids=torch.tensor([1]), nothing=None)
    require_finite_outputs(fine, lambda: fine, {}, name="ONNX Runtime")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_any_type_is_looked_through(dtype: torch.dtype, value: float) -> None:
    values = torch.zeros(3, 5, dtype=dtype)
    assert is_finite(values)
    values[1, 2] = value
    assert not is_finite(values)
    assert is_finite(torch.empty(0))
    assert is_finite(torch.tensor([1, 2]))


# Where models are run


def one_batch(inputs: dict[str, Tensor]) -> Batch:
    return Batch(inputs, tuple(range(len(inputs["input_ids"]))))


@pytest.mark.parametrize(("base", "name"), [(True, "the base"), (False, "the other model")])
def test_answers_are_compared_only_if_they_are_numbers(
    base: bool, name: str, tiny_model: Callable[..., Any], example_inputs
) -> None:
    fine = tiny_model("bert", "SequenceClassification")
    damaged = spoilt(tiny_model("bert", "SequenceClassification"), 2)
    before, after = (damaged, fine) if base else (fine, damaged)
    batch = one_batch(example_inputs())
    with pytest.raises(ModelError, match=f"^{name}: layer 2 puts out"):
        compare_predictions(checkpoint_of(before), after, [PairedBatch(batch, batch)])


def test_representations_are_taken_only_if_they_are_numbers(
    tiny_model: Callable[..., Any], example_inputs
) -> None:
    checkpoint = checkpoint_of(spoilt(tiny_model("bert", "SequenceClassification"), 1))
    with (
        torch.no_grad(),
        watched(checkpoint),
        pytest.raises(ModelError, match=": layer 1 puts out numbers that are not finite"),
    ):
        checkpoint.model(**example_inputs())


def test_parity_says_that_it_is_the_model(tiny_model: Callable[..., Any]) -> None:
    model = spoilt(tiny_model("bert", "SequenceClassification"), 2)

    class Exported(nn.Module):
        runtime, attention = "ONNX Runtime", None

        def forward(self, **tensors: Tensor) -> SimpleNamespace:
            return SimpleNamespace(logits=torch.zeros(len(tensors["input_ids"]), 3))

    with pytest.raises(ModelError, match=r"^PyTorch: layer 2 puts out numbers that are not finite"):
        check_parity(checkpoint_of(model), Exported())
