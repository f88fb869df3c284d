"""Layers taken apart say what they say whole, in every family, cut or not."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from bertslim.model.checkpoint import load_model
from bertslim.model.families import FAMILIES
from bertslim.model.layer import (
    LayerArguments,
    LayerParts,
    first_layer_input,
    run_head,
    run_until,
)
from bertslim.model.slim_modeling import layers_of

each_family = pytest.mark.parametrize("model_type", FAMILIES)
HEAD = "SequenceClassification"
REPAIRED = {"reconstruct": {"samples": 8}}
CUTS: dict[str, tuple[dict[str, Any], ...]] = {
    "gone": (
        {"op": "drop_ffn", "layers": 0, "layer_norm": "remove"},
        {"op": "drop_attention", "layers": 1},
        {"op": "resize_ffn", "layers": 1, "width": 24},
        {"op": "drop_attention", "layers": 3, "layer_norm": "remove"},
        {"op": "drop_ffn", "layers": 3},
    ),
    "filled": (
        {"op": "drop_ffn", "layers": 0, "fill": "linear"},
        {"op": "drop_ffn", "layers": 1, "fill": "linear", "rank": 8, "layer_norm": "remove"},
        {"op": "drop_ffn", "layers": 2, "fill": "attention"},
    ),
    "bypassed_and_shared": (
        {"op": "resize_ffn", "layers": 0, "width": 24, "bypass": True},
        {"op": "resize_ffn", "layers": "1-2", "width": 24, "bypass": 8},
        {"op": "share_ffn", "layers": "1-2"},
    ),
    "fewer_heads": (
        {"op": "prune_heads", "layers": 0, "heads": 1},
        {"op": "prune_heads", "layers": "2-3", "heads": 0.5},
    ),
}


def whole(model: Any, family: Any, inputs: dict[str, Tensor]) -> list[Tensor]:
    """Return the hidden states behind each layer in the model's own call."""
    seen: list[Tensor] = []

    def see(_: Any, __: Any, output: Any) -> None:
        seen.append(output[0] if isinstance(output, tuple) else output)

    handles = [layer.register_forward_hook(see) for layer in layers_of(model, family)]
    model(**inputs)
    for handle in handles:
        handle.remove()
    return seen


def by_parts(model: Any, family: Any, inputs: dict[str, Tensor]) -> list[Tensor]:
    hidden, given = first_layer_input(model, family, inputs)
    seen = []
    for layer in layers_of(model, family):
        parts = LayerParts(layer, family)
        context = parts.context(hidden, given) if parts.has_attention else None
        inner = parts.inner(parts.attended(hidden, context))
        hidden = parts.output(inner + parts.block(inner))
        seen.append(hidden)
    return seen


def assert_alike(model: Any, family: Any, inputs: dict[str, Tensor]) -> None:
    with torch.no_grad():
        expected, found = whole(model, family, inputs), by_parts(model, family, inputs)
    assert len(found) == len(expected)
    for number, (one, other) in enumerate(zip(found, expected, strict=True)):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9, msg=f"layer {number}")


@each_family
def test_the_parts_of_a_base_say_what_its_layers_say(
    model_type: str, tiny_model, example_inputs
) -> None:
    model, inputs = tiny_model(model_type, HEAD).double(), example_inputs()
    assert not inputs["attention_mask"].all()
    assert_alike(model, FAMILIES[model_type], inputs)
    without_padding = {name: values[:2] for name, values in inputs.items()}
    assert_alike(model, FAMILIES[model_type], without_padding)


@pytest.mark.parametrize("name", CUTS)
@each_family
def test_the_parts_of_a_cut_model_say_what_its_layers_say(
    model_type: str, name: str, make_checkpoint, make_recipe, cut, example_inputs
) -> None:
    if model_type == "mpnet" and name == "fewer_heads":
        pytest.skip("its heads share a bias")
    recipe = make_recipe(*CUTS[name], name=name, **REPAIRED)
    model = load_model(cut(make_checkpoint(model_type, HEAD), recipe)).double()
    with torch.no_grad():
        for parameter in model.parameters():  # so that what is solved later is not zero
            parameter.add_(0.1 * torch.randn_like(parameter))
    assert_alike(model, FAMILIES[model_type], example_inputs())


@each_family
def test_which_blocks_are_there_and_what_their_maps_are(
    model_type: str, make_checkpoint, make_recipe, cut
) -> None:
    family = FAMILIES[model_type]
    model = load_model(cut(make_checkpoint(model_type, HEAD), make_recipe(*CUTS["gone"])))
    parts = [LayerParts(layer, family) for layer in layers_of(model, family)]
    assert [one.has_attention for one in parts] == [True, False, True, False]
    assert [one.has_ffn for one in parts] == [False, True, True, False]
    assert [one.in_features for one in parts[0].attention_in] == [32, 32, 32]
    assert parts[0].attention_out.out_features == 32
    neurons = parts[1].neurons(torch.randn(2, 3, 32))
    assert neurons.shape == (2, 3, 24)
    filled = make_recipe(*CUTS["filled"], name="filled", **REPAIRED)
    model = load_model(cut(make_checkpoint(model_type, HEAD), filled))
    found = [LayerParts(layer, family).has_ffn for layer in layers_of(model, family)]
    assert found == [True, True, False, True]


@each_family
def test_no_layer_runs_to_see_what_the_first_one_gets(
    model_type: str, tiny_model, example_inputs
) -> None:
    model, family = tiny_model(model_type, HEAD), FAMILIES[model_type]
    seen: list[Any] = []
    layers = layers_of(model, family)
    handles = [layer.register_forward_hook(lambda *_: seen.append(1)) for layer in layers]
    hidden, given = first_layer_input(model, family, example_inputs())
    assert hidden.shape == (3, 9, 32)
    assert isinstance(given, LayerArguments)
    assert not seen
    for handle in handles:
        handle.remove()
    assert not any(layer._forward_pre_hooks for layer in layers)


@pytest.mark.parametrize("head", ["", HEAD, "TokenClassification", "QuestionAnswering"])
@each_family
def test_a_head_says_of_the_last_states_what_the_model_says_whole(
    model_type: str, head: str, tiny_model, example_inputs
) -> None:
    model, family = tiny_model(model_type, head), FAMILIES[model_type]
    inputs = example_inputs()
    with torch.no_grad():
        hidden = whole(model, family, inputs)[-1]
        expected = model(**inputs)
        layers = layers_of(model, family)
        for layer in layers:
            layer.forward = None  # so that a layer that runs is an error
        found = run_head(model, family, inputs, hidden)
        for layer in layers:
            del layer.forward
        again = model(**inputs)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert torch.equal(found[name], values), name
        assert torch.equal(again[name], values), name


def test_a_call_that_does_not_reach_the_module_is_no_silent_success() -> None:
    with pytest.raises(ValueError, match="never reached"):
        run_until(torch.nn.Identity(), lambda: None)
