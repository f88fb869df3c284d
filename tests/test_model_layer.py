"""Layers run block by block put out what they put out whole, in every family, cut or not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from bertslim.model.checkpoint import load_model
from bertslim.model.families import FAMILIES, AttentionLayout, FfnLayout, LayerLayout
from bertslim.model.heads import heads_of
from bertslim.model.layer import (
    Layer,
    LayerArguments,
    layer_inputs,
    model_layers,
    run_head,
    run_until,
)
from support.families import each_layered_family, usual_head

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
        {"op": "prune_heads", "layers": 0, "heads": 1, "criterion": "magnitude"},
        {"op": "prune_heads", "layers": "2-3", "heads": 0.5, "criterion": "magnitude"},
    ),
}


def whole(model: Any, inputs: dict[str, Tensor]) -> list[Tensor]:
    """Return the hidden states behind each layer in the model's own call."""
    seen: list[Tensor] = []

    def see(_: Any, __: Any, output: Any) -> None:
        seen.append(output[0] if isinstance(output, tuple) else output)

    handles = [layer.module.register_forward_hook(see) for layer in model_layers(model)]
    model(**inputs)
    for handle in handles:
        handle.remove()
    return seen


def by_blocks(model: Any, inputs: dict[str, Tensor]) -> list[Tensor]:
    hidden, given = layer_inputs(model, inputs)
    outputs = []
    for layer, arguments in zip(model_layers(model), given, strict=True):
        hidden = layer.ffn.run(layer.attention.run(hidden, arguments))
        outputs.append(hidden)
    return outputs


def assert_alike(model: Any, inputs: dict[str, Tensor]) -> None:
    with torch.no_grad():
        expected, found = whole(model, inputs), by_blocks(model, inputs)
    assert len(found) == len(expected)
    for number, (one, other) in enumerate(zip(found, expected, strict=True)):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9, msg=f"layer {number}")


@each_layered_family
def test_the_blocks_of_a_base_put_out_what_its_layers_do(
    model_type: str, tiny_model, example_inputs
) -> None:
    model, inputs = tiny_model(model_type, usual_head(model_type)).double(), example_inputs()
    assert not inputs["attention_mask"].all()
    assert_alike(model, inputs)
    without_padding = {name: values[:2] for name, values in inputs.items()}
    assert_alike(model, without_padding)


@pytest.mark.parametrize("name", CUTS)
@each_layered_family
def test_the_blocks_of_a_cut_model_put_out_what_its_layers_do(
    model_type: str, name: str, make_checkpoint, make_recipe, cut, example_inputs
) -> None:
    recipe = make_recipe(*CUTS[name], name=name, **REPAIRED)
    model = load_model(cut(make_checkpoint(model_type, usual_head(model_type)), recipe)).double()
    with torch.no_grad():
        for parameter in model.parameters():  # so that what is solved later is not zero
            parameter.add_(0.1 * torch.randn_like(parameter))
    assert_alike(model, example_inputs())


@each_layered_family
def test_which_blocks_are_there_and_what_their_maps_are(
    model_type: str, make_checkpoint, make_recipe, cut
) -> None:
    model = load_model(
        cut(make_checkpoint(model_type, usual_head(model_type)), make_recipe(*CUTS["gone"]))
    )
    layers = model_layers(model)
    assert [layer.attention.is_present for layer in layers] == [True, False, True, False]
    assert [layer.ffn.is_present for layer in layers] == [False, True, True, False]
    assert [linear.in_features for linear in layers[0].attention.parted_inputs()] == [32] * 3
    assert layers[0].attention.output.out_features == 32
    assert layers[0].attention.heads * layers[0].attention.head_size == 32
    neurons = layers[1].ffn.neurons(torch.randn(2, 3, 32))
    assert neurons.shape == (2, 3, 24)
    filled = make_recipe(*CUTS["filled"], name="filled", **REPAIRED)
    model = load_model(cut(make_checkpoint(model_type, usual_head(model_type)), filled))
    assert [layer.ffn.is_present for layer in model_layers(model)] == [True, True, False, True]


@each_layered_family
def test_no_layer_runs_to_see_what_the_first_one_gets(
    model_type: str, tiny_model, example_inputs
) -> None:
    model = tiny_model(model_type, usual_head(model_type))
    seen: list[Any] = []
    layers = [layer.attention.module for layer in model_layers(model)]
    handles = [layer.register_forward_hook(lambda *_: seen.append(1)) for layer in layers]
    hidden, given = layer_inputs(model, example_inputs())
    assert hidden.shape == (3, 9, 32)
    assert len(given) == 4
    assert all(isinstance(one, LayerArguments) for one in given)
    assert not seen
    for handle in handles:
        handle.remove()
    assert not any(layer._forward_pre_hooks for layer in layers)


@pytest.mark.parametrize(
    "head", ["", "SequenceClassification", "TokenClassification", "QuestionAnswering"]
)
@each_layered_family
def test_a_head_alone_puts_out_for_the_last_states_what_the_model_does(
    model_type: str, head: str, tiny_model, example_inputs
) -> None:
    if head not in heads_of(FAMILIES[model_type]):
        pytest.skip("transformers has no such class")
    model = tiny_model(model_type, head)
    inputs = example_inputs()
    with torch.no_grad():
        hidden = whole(model, inputs)[-1]
        expected = model(**inputs)
        layers = [layer.module for layer in model_layers(model)]
        for layer in layers:
            layer.forward = None  # so that a layer that runs is an error
        found = run_head(model, inputs, hidden)
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


class PreNormLayer(torch.nn.Module):
    """A layer whose blocks have a norm before them and none after, as later families have."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = torch.nn.LayerNorm(8), torch.nn.LayerNorm(8)
        self.attend, self.out = torch.nn.Linear(8, 8), torch.nn.Linear(8, 8)
        self.up, self.act, self.down = (
            torch.nn.Linear(8, 20),
            torch.nn.GELU(),
            torch.nn.Linear(20, 8),
        )

    def forward(self, hidden: Tensor) -> Tensor:
        hidden = hidden + self.out(self.attend(self.norm1(hidden)))
        return hidden + self.down(self.act(self.up(self.norm2(hidden))))


PRE_NORM = LayerLayout(
    AttentionLayout(
        modules=("attend", "out"),
        inputs=("attend", "attend", "attend"),
        output="out",
        norm_before="norm1",
    ),
    FfnLayout(
        modules=("up", "act", "down"),
        input="up",
        activation="act",
        output="down",
        norm_before="norm2",
    ),
)


def test_a_norm_before_a_block_is_part_of_what_the_block_reads() -> None:
    module, hidden = PreNormLayer().double(), torch.randn(2, 3, 8, dtype=torch.float64)
    layer = Layer(module, replace(FAMILIES["bert"], layout=PRE_NORM))
    given = LayerArguments((), {})
    with torch.no_grad():
        between = layer.attention.run(hidden, given)
        assert torch.equal(layer.ffn.run(between), module(hidden))
        assert torch.equal(layer.attention.read(hidden), module.norm1(hidden))
        assert torch.equal(layer.attention.normalise(hidden), hidden)
        assert layer.ffn.norm_after is None
        neurons = module.act(module.up(module.norm2(between)))
        assert torch.equal(layer.ffn.neurons(between), neurons)
