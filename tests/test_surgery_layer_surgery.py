"""Each operation against a plain reference in float64; and that what is cut is gone."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bertslim.model.checkpoint import load_model, sharing_copy
from bertslim.model.families import FAMILIES
from bertslim.model.layer import AttentionBlock, model_layers
from bertslim.model.slim_modeling import layers_of, linear_of
from bertslim.recipe.operations import OPERATIONS, LayerOperation
from bertslim.recipe.plan import make_plan
from bertslim.surgery import layer_surgery
from bertslim.surgery.criteria import Ranking
from bertslim.surgery.importance import magnitude
from bertslim.surgery.layer_surgery import multiply_ffn, narrow_ffn, operate
from support.families import each_layered_family

EXACT = {"atol": 1e-12, "rtol": 1e-12}


@pytest.fixture
def stock(tiny_model):
    """Return a function that makes a tiny bare encoder in float64."""
    return lambda model_type: tiny_model(model_type).double()


@pytest.fixture
def operated(make_recipe, facts_of):
    """Return a function that gives a copy of the model with operations carried out on it."""

    def make(model: Any, *operations: dict[str, Any]) -> Any:
        loaded = make_recipe(*operations, reconstruct={"samples": 1})
        made = copy.deepcopy(model)
        operate(made, make_plan(loaded, facts_of(model)))
        return made

    return make


@pytest.fixture
def facts_of():
    from bertslim.model.config_facts import read_facts

    return lambda model: read_facts(model.config.to_dict())


@pytest.fixture
def states(example_inputs):
    """Return a function that gives the last hidden state."""

    def run(model: Any) -> Tensor:
        with torch.inference_mode():
            return model(**example_inputs()).last_hidden_state

    return run


def layer(model: Any, number: int) -> nn.Module:
    return layers_of(model, FAMILIES[model.config.model_type])[number]


def zero(linear: nn.Module) -> None:
    for parameter in linear.parameters():
        parameter.data.zero_()


# References


@each_layered_family
def test_drop_ffn_is_an_ffn_that_says_zero(model_type: str, stock, operated, states) -> None:
    model = stock(model_type)
    slim = operated(model, {"op": "drop_ffn", "layers": [0, 2]})
    for number in (0, 2):
        zero(layer(model, number).get_submodule(FAMILIES[model_type].layout.ffn.output))
    torch.testing.assert_close(states(slim), states(model), **EXACT)


@each_layered_family
def test_drop_attention_is_an_attention_that_says_zero(
    model_type: str, stock, operated, states
) -> None:
    model = stock(model_type)
    slim = operated(model, {"op": "drop_attention", "layers": "odd"})
    for number in (1, 3):
        zero(layer(model, number).get_submodule(FAMILIES[model_type].layout.attention.output))
    torch.testing.assert_close(states(slim), states(model), **EXACT)


@each_layered_family
@pytest.mark.parametrize("width", [0.25, 40, 1])
def test_resize_ffn_leaves_the_weak_neurons_out(
    model_type: str, width: float, stock, operated, states
) -> None:
    model = stock(model_type)
    slim = operated(model, {"op": "resize_ffn", "layers": "1-2", "width": width})
    layout = FAMILIES[model_type].layout
    kept = 16 if width == 0.25 else width
    for number in (1, 2):
        ffn = model_layers(model)[number].ffn
        scores = magnitude(ffn.inputs, ffn_out := ffn.output).tolist()
        weak = sorted(range(64), key=scores.__getitem__)[: 64 - kept]
        ffn_out.weight.data[:, weak] = 0
        narrow = layer(slim, number)
        for linear in model_layers(slim)[number].ffn.inputs:
            assert linear.weight.shape == (kept * (1 + layout.ffn.input_is_both), 32)
        assert narrow.get_submodule(layout.ffn.output).weight.shape == (32, kept)
    torch.testing.assert_close(states(slim), states(model), **EXACT)


@each_layered_family
@pytest.mark.parametrize("gain", [0.5, -2.0])
def test_scale_ffn_multiplies_what_the_ffn_says(
    model_type: str, gain: float, stock, operated, states
) -> None:
    model = stock(model_type)
    slim = operated(model, {"op": "scale_ffn", "layers": "all except 1", "gain": gain})
    for number in (0, 2, 3):
        ffn_out = layer(model, number).get_submodule(FAMILIES[model_type].layout.ffn.output)
        ffn_out.register_forward_hook(lambda _, __, output: output * gain)
    torch.testing.assert_close(states(slim), states(model), **EXACT)


@each_layered_family
def test_drop_layer_is_a_model_built_without_it(
    model_type: str, stock, tiny_config, operated, states
) -> None:
    model = stock(model_type)
    family = FAMILIES[model_type]
    slim = operated(model, {"op": "drop_layer", "layers": [1, 2]})
    lists = {name: [getattr(model.config, name)[n] for n in (0, 3)] for name in family.layer_lists}
    config = tiny_config(model_type, **{family.keys.layers: 2}, **lists)
    shallow = type(model)(config).double().eval()
    layers = layers_of(shallow, family)
    shallow.load_state_dict(model.state_dict(), strict=False)
    for new, old in enumerate((0, 3)):
        layers[new].load_state_dict(layer(model, old).state_dict())
    torch.testing.assert_close(states(slim), states(shallow), **EXACT)
    assert len(layers_of(slim, family)) == 2


# Attention heads


def maps_of_heads(attention: AttentionBlock) -> list[Tensor]:
    """Return the weights of query, key and value, (heads x head_size, hidden_size)."""
    weights = [linear.weight for linear in attention.inputs]
    return list(weights[0].chunk(3)) if len(weights) == 1 else weights


def head_scores(attention: AttentionBlock, size: int) -> list[float]:
    """Sum the squares of each head's weights, one by one."""
    maps = [
        *(one.detach() for one in maps_of_heads(attention)),
        attention.output.weight.detach().T,
    ]
    heads = range(maps[0].shape[0] // size)
    return [
        sum(float(value) ** 2 for one in maps for value in one[head * size :][:size].flatten())
        for head in heads
    ]


@each_layered_family
@pytest.mark.parametrize(("heads", "kept"), [(0.25, 1), (0.6, 2), (3, 3), (4, 4)])
def test_prune_heads_leaves_the_weak_heads_out(
    model_type: str, heads: float, kept: int, stock, operated, states
) -> None:
    model = stock(model_type)
    with torch.no_grad():  # tell the heads apart
        for weight in maps_of_heads(model_layers(model)[1].attention):
            for head, factor in enumerate((1.5, 0.5, 0.9, 1.2)):
                weight[8 * head : 8 * head + 8] *= factor
    slim = operated(
        model, {"op": "prune_heads", "layers": "1-2", "heads": heads, "criterion": "magnitude"}
    )
    for number in (1, 2):
        attention = model_layers(model)[number].attention
        scores, out = head_scores(attention, 8), attention.output
        for head in sorted(range(4), key=scores.__getitem__)[: 4 - kept]:
            out.weight.data[:, 8 * head : 8 * head + 8] = 0
        narrow = model_layers(slim)[number].attention
        assert {weight.shape for weight in maps_of_heads(narrow)} == {(8 * kept, 32)}
        assert narrow.output.weight.shape == (32, 8 * kept)
    torch.testing.assert_close(states(slim), states(model), **EXACT)


def test_pruning_heads_twice_keeps_the_same_as_once(stock, operated, states) -> None:
    half = {"op": "prune_heads", "layers": 1, "heads": 0.5, "criterion": "magnitude"}
    twice = operated(stock("bert"), half, half)
    once = operated(stock("bert"), half | {"heads": 1})
    assert torch.equal(states(twice), states(once))


def test_heads_go_by_scores_of_the_base_whatever_is_left(stock, make_recipe, facts_of) -> None:
    model = stock("bert")
    before = layer(model, 1).attention.self.value.bias.view(4, 8).tolist()
    by = {"op": "prune_heads", "layers": 1}
    loaded = make_recipe(
        by | {"heads": 3, "criterion": "fisher"}, by | {"heads": 2, "criterion": "obs"}
    )
    scores = {
        Ranking("fisher", "attention", 1): torch.tensor([3.0, 1.0, 2.0, 4.0]),
        Ranking("obs", "attention", 1): torch.tensor([0.0, 9.0, 8.0, 7.0]),
        Ranking("obs", "ffn", 1): torch.randn(64),
    }
    operate(model, make_plan(loaded, facts_of(model)), scores)
    after = layer(model, 1).attention.self.value.bias.view(2, 8).tolist()
    assert [before.index(head) for head in after] == [2, 3]


def test_heads_that_share_a_bias_keep_their_part_when_pruned_again(
    make_checkpoint, make_recipe, cut, operated, states
) -> None:
    by = {"op": "prune_heads", "layers": 1, "criterion": "magnitude"}
    base = make_checkpoint("mpnet", "")
    once = load_model(cut(base, make_recipe(by | {"heads": 3}, name="three"))).double()
    slim = operated(once, by | {"heads": 1})
    whole = load_model(base).double()
    torch.testing.assert_close(states(slim), states(operated(whole, by | {"heads": 1})), **EXACT)
    (left,) = model_layers(slim)[1].attention.bias_heads
    assert left in model_layers(once)[1].attention.bias_heads


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_pruning_heads_keeps_half_precision_as_it_is(
    dtype: torch.dtype, tiny_model, operated
) -> None:
    model = tiny_model("bert").to(dtype)
    slim = operated(model, {"op": "prune_heads", "layers": 1, "heads": 3, "criterion": "magnitude"})
    assert {parameter.dtype for parameter in slim.parameters()} == {dtype}
    rows = layer(model, 1).attention.self.value.weight.split(8)
    kept = layer(slim, 1).attention.self.value.weight.split(8)
    assert all(any(torch.equal(one, row) for row in rows) for one in kept)


# Linear maps and shared blocks


def drawn(linear: nn.Module | None) -> Tensor:
    """Put random numbers into a map that said zero, and return the one matrix that it makes."""
    assert linear is not None
    assert not any(parameter.any() for parameter in linear.parameters())
    for parameter in linear.parameters():
        parameter.data.normal_()
    if isinstance(linear, nn.Linear):
        return linear.weight
    first, second = linear
    assert first.bias is None
    return second.weight @ first.weight


@each_layered_family
@pytest.mark.parametrize("rank", [None, 8])
def test_a_linear_fill_maps_the_input_of_the_block(
    model_type: str, rank: int | None, stock, operated, states
) -> None:
    model, family = stock(model_type), FAMILIES[model_type]
    slim = operated(model, {"op": "drop_ffn", "layers": 1, "fill": "linear", "rank": rank})
    linear = linear_of(layer(slim, 1), family)
    matrix = drawn(linear)
    bias = linear.bias if rank is None else linear[-1].bias
    ffn_out = layer(model, 1).get_submodule(family.layout.ffn.output)
    inputs = []
    layer(model, 1).get_submodule(family.layout.ffn.input).register_forward_pre_hook(
        lambda _, given: inputs.append(given[0])
    )
    ffn_out.register_forward_hook(lambda *_: inputs[-1] @ matrix.T + bias)
    torch.testing.assert_close(states(slim), states(model), **EXACT)
    assert linear_of(layer(slim, 0), family) is None


@each_layered_family
@pytest.mark.parametrize("rank", [True, 8])
def test_a_bypass_adds_a_map_of_the_input_of_the_block(
    model_type: str, rank: int | bool, stock, operated, states
) -> None:
    model, family = stock(model_type), FAMILIES[model_type]
    narrow = {"op": "resize_ffn", "layers": 1, "width": 24}
    slim = operated(model, narrow | {"bypass": rank})
    model = operated(model, narrow)
    assert torch.equal(states(slim), states(model))
    linear = linear_of(layer(slim, 1), family)
    matrix = drawn(linear)
    assert all(not name.endswith("bias") for name, _ in linear.named_parameters())
    inputs = []
    layer(model, 1).get_submodule(family.layout.ffn.input).register_forward_pre_hook(
        lambda _, given: inputs.append(given[0])
    )
    layer(model, 1).get_submodule(family.layout.ffn.output).register_forward_hook(
        lambda _, __, output: output + inputs[-1] @ matrix.T
    )
    torch.testing.assert_close(states(slim), states(model), **EXACT)


@pytest.mark.parametrize("rank", [True, 8])
def test_a_bypass_stays_when_its_block_is_narrowed_and_scaled(
    rank: int | bool, stock, operated, states
) -> None:
    first = operated(stock("bert"), {"op": "resize_ffn", "layers": 1, "width": 24, "bypass": rank})
    family = FAMILIES["bert"]
    drawn(linear_of(layer(first, 1), family))
    for model in (first, twice := copy.deepcopy(first)):
        narrow_ffn(model_layers(model)[1].ffn, torch.arange(3, 11))
    with torch.no_grad():
        multiply_ffn(model_layers(twice)[1].ffn, -2.0)
    layer(first, 1).output.dense.register_forward_hook(lambda _, __, output: -2 * output)
    torch.testing.assert_close(states(twice), states(first), **EXACT)
    assert layer(twice, 1).intermediate.dense.out_features == 8
    assert linear_of(layer(twice, 1), family) is not None


@each_layered_family
def test_layers_that_share_use_the_block_of_the_lowest(
    model_type: str, stock, operated, states
) -> None:
    model, family = stock(model_type), FAMILIES[model_type]
    slim = operated(model, {"op": "share_ffn", "layers": [3, 1]})
    layout = family.layout.ffn
    for name in filter(None, (layout.input, layout.up, layout.output)):
        given, taken = (layer(model, number).get_submodule(name) for number in (1, 3))
        taken.load_state_dict(given.state_dict())
        assert layer(slim, 3).get_submodule(name) is layer(slim, 1).get_submodule(name)
    torch.testing.assert_close(states(slim), states(model), **EXACT)


# A whole BERT by hand, for what no stock model can say


def norm(x: Tensor, weights: dict[str, Tensor], name: str) -> Tensor:
    centred = x - x.mean(dim=-1, keepdim=True)
    variance = centred.square().mean(dim=-1, keepdim=True)
    scaled = centred / torch.sqrt(variance + 1e-12)
    return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def linear(x: Tensor, weights: dict[str, Tensor], name: str) -> Tensor:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def attention(x: Tensor, mask: Tensor, weights: dict[str, Tensor], name: str) -> Tensor:
    heads = []
    query, key, value = (
        linear(x, weights, f"{name}.self.{part}") for part in ("query", "key", "value")
    )
    for head in range(4):
        part = slice(8 * head, 8 * head + 8)
        scores = query[:, :, part] @ key[:, :, part].transpose(1, 2) / math.sqrt(8)
        scores = scores.masked_fill(mask[:, None, :] == 0, -math.inf)
        heads.append(scores.softmax(dim=-1) @ value[:, :, part])
    return linear(torch.cat(heads, dim=-1), weights, f"{name}.output.dense")


def ffn(x: Tensor, weights: dict[str, Tensor], name: str, neurons: Tensor | None = None) -> Tensor:
    inner = linear(x, weights, f"{name}.intermediate.dense")
    inner = inner * 0.5 * (1 + torch.erf(inner / math.sqrt(2)))
    if neurons is not None:
        dropped = torch.ones(inner.shape[-1], dtype=torch.bool)
        dropped[neurons] = False
        inner = inner.masked_fill(dropped, 0)
    return linear(inner, weights, f"{name}.output.dense")


def test_a_mixed_recipe_is_bert_by_hand(stock, operated, states, example_inputs) -> None:
    model = stock("bert")
    slim = operated(
        model,
        {"op": "drop_ffn", "layers": 0, "layer_norm": "remove"},
        {"op": "drop_attention", "layers": 1, "layer_norm": "remove"},
        {"op": "resize_ffn", "layers": 1, "width": 24},
        {"op": "scale_ffn", "layers": 1, "gain": 3.0},
        {"op": "drop_layer", "layers": 2},
        {"op": "drop_attention", "layers": 3},
        {"op": "drop_ffn", "layers": 3},
    )
    weights, inputs = model.state_dict(), example_inputs()
    mask = inputs["attention_mask"]
    x = model.embeddings(inputs["input_ids"]).detach()
    at = "encoder.layer.{}".format
    x = norm(
        x + attention(x, mask, weights, f"{at(0)}.attention"),
        weights,
        f"{at(0)}.attention.output.LayerNorm",
    )
    block = layer(model, 1)
    scores = magnitude([block.intermediate.dense], block.output.dense)
    strong = torch.tensor(sorted(range(64), key=lambda neuron: -scores[neuron])[:24])
    x = norm(x + 3 * ffn(x, weights, at(1), strong), weights, f"{at(1)}.output.LayerNorm")
    x = norm(x, weights, f"{at(3)}.attention.output.LayerNorm")
    x = norm(x, weights, f"{at(3)}.output.LayerNorm")
    torch.testing.assert_close(states(slim), x, atol=1e-10, rtol=1e-10)


# The table of functions


def test_every_operation_on_layers_has_its_function() -> None:
    on_layers = {name for name, each in OPERATIONS.items() if issubclass(each, LayerOperation)}
    assert layer_surgery.OPERATIONS.keys() == on_layers
    assert OPERATIONS.keys() - on_layers == {"prune_vocab"}


# The order of the steps


def test_numbers_mean_the_layers_of_the_base_after_a_layer_is_gone(stock, operated, states) -> None:
    model = stock("bert")
    together = operated(
        model,
        {"op": "drop_layer", "layers": [0, 1]},
        {"op": "scale_ffn", "layers": -1, "gain": 0.5},
    )
    apart = operated(
        model, {"op": "scale_ffn", "layers": 3, "gain": 0.5}, {"op": "drop_layer", "layers": "0-1"}
    )
    assert torch.equal(states(together), states(apart))


def test_narrowing_twice_keeps_the_same_neurons_as_once(stock, operated) -> None:
    half = {"op": "resize_ffn", "layers": 1, "width": 0.5}
    twice = operated(stock("bert"), half, half)
    once = operated(stock("bert"), {"op": "resize_ffn", "layers": 1, "width": 16})
    assert twice.state_dict().keys() == once.state_dict().keys()
    assert all(
        torch.equal(twice.state_dict()[name], value) for name, value in once.state_dict().items()
    )


def test_measured_scores_are_those_of_the_base_neurons_whatever_is_left(
    stock, make_recipe, facts_of
) -> None:
    model = stock("bert")
    before = layer(model, 1).intermediate.dense.bias.tolist()
    obs, taylor = torch.randperm(64).double(), torch.randperm(64).double()
    by = {"op": "resize_ffn", "layers": 1}
    loaded = make_recipe(
        by | {"width": 40, "criterion": "obs"},
        by | {"width": 40, "criterion": "activation"},  # which needs no scores
        by | {"width": 32},
        by | {"width": 10, "criterion": "taylor"},
    )
    reference = copy.deepcopy(layer(model, 1))
    left = sorted(obs.topk(40).indices.tolist())
    weights = magnitude([reference.intermediate.dense], reference.output.dense).tolist()
    left = sorted(sorted(left, key=weights.__getitem__)[8:])
    left = sorted(sorted(left, key=taylor.tolist().__getitem__)[22:])
    operate(
        model,
        make_plan(loaded, facts_of(model)),
        {Ranking("obs", "ffn", 1): obs, Ranking("taylor", "ffn", 1): taylor},
    )
    after = layer(model, 1).intermediate.dense.bias.tolist()
    assert [before.index(value) for value in after] == left


def test_scores_that_were_not_measured_are_asked_for(stock, make_recipe, facts_of) -> None:
    model = stock("bert")
    loaded = make_recipe({"op": "resize_ffn", "layers": 2, "width": 8, "criterion": "fisher"})
    with pytest.raises(ValueError, match="no scores by fisher for layer 2; survey the base first"):
        operate(model, make_plan(loaded, facts_of(model)))


def test_neurons_keep_their_order(stock, operated) -> None:
    model = stock("bert")
    before = layer(model, 0).intermediate.dense.bias.tolist()
    slim = operated(model, {"op": "resize_ffn", "layers": 0, "width": 20})
    after = layer(slim, 0).intermediate.dense.bias.tolist()
    positions = [before.index(value) for value in after]
    assert positions == sorted(positions)


# What is cut is gone


def parameters_of(*linears: nn.Module, bias_only: bool = False) -> int:
    parameters = [
        parameter
        for linear in linears
        for name, parameter in linear.named_parameters()
        if name == "bias" or not bias_only
    ]
    return sum(parameter.numel() for parameter in parameters)


@each_layered_family
def test_nothing_is_masked(model_type: str, stock, operated) -> None:
    model = stock(model_type)
    slim = operated(
        model,
        {"op": "drop_ffn", "layers": 0},
        {"op": "resize_ffn", "layers": 1, "width": 24},
        {"op": "drop_attention", "layers": 2},
        {"op": "drop_layer", "layers": 3},
    )
    before = [sum(p.numel() for p in layer(model, n).parameters()) for n in range(4)]
    after = [
        sum(p.numel() for p in each.parameters()) for each in layers_of(slim, FAMILIES[model_type])
    ]
    whole = model_layers(model)[0]
    maps = [*whole.ffn.inputs, whole.ffn.output]
    one_ffn = parameters_of(*maps)
    a_neuron = (one_ffn - parameters_of(whole.ffn.output, bias_only=True)) // 64
    one_attention = parameters_of(*whole.attention.inputs, whole.attention.output)
    name = FAMILIES[model_type].layout.ffn.norm_before  # a norm before a block goes with it
    norm = 0 if name is None else parameters_of(whole.ffn.submodule(name))
    assert after == [
        before[0] - one_ffn - norm,
        before[1] - (64 - 24) * a_neuron,
        before[2] - one_attention - norm,
    ]
    for name, tensor in slim.state_dict().items():
        assert tensor.any(), name
        assert tensor.untyped_storage().nbytes() == tensor.nbytes, name


def test_the_model_before_is_not_touched_by_narrowing(stock, make_recipe, facts_of) -> None:
    model = stock("bert")
    old = layer(model, 0).intermediate.dense
    weights = old.weight.clone()
    loaded = make_recipe({"op": "resize_ffn", "layers": 0, "width": 8})
    operate(model, make_plan(loaded, facts_of(model)))
    new = layer(model, 0).intermediate.dense
    assert (new.out_features, old.out_features) == (8, 64)
    assert torch.equal(old.weight, weights)
    assert new.weight.requires_grad
    assert new.bias.requires_grad


@each_layered_family
def test_a_model_that_shares_its_parameters_is_not_changed(
    model_type: str, tiny_model, states, make_recipe, facts_of
) -> None:
    model = tiny_model(model_type)
    before = states(model)
    loaded = make_recipe(
        {"op": "prune_heads", "layers": "all", "heads": 1, "criterion": "magnitude"},
        {"op": "resize_ffn", "layers": 0, "width": 8, "bypass": 4},
        {"op": "resize_ffn", "layers": 1, "width": 8, "bypass": True},
        {"op": "scale_ffn", "layers": "all", "gain": 3.0},
        {"op": "drop_ffn", "layers": 2, "fill": "linear"},
        {"op": "drop_attention", "layers": 3, "layer_norm": "remove"},
        reconstruct={"samples": 1},
    )
    other = sharing_copy(model)
    operate(other, make_plan(loaded, facts_of(model)))
    assert torch.equal(states(model), before)
    assert {one.dtype for one in (*model.parameters(), *other.parameters())} == {torch.float32}
    trained = {name for name, one in model.named_parameters() if one.requires_grad}
    frozen = {name for name, one in model.named_parameters() if not one.requires_grad}
    assert trained
    assert {name for name, one in other.named_parameters() if not one.requires_grad} == frozen
    assert not torch.equal(states(other), before)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_stays(dtype: torch.dtype, tiny_model, operated) -> None:
    slim = operated(
        tiny_model("bert").to(dtype),
        {"op": "resize_ffn", "layers": 0, "width": 8},
        {"op": "scale_ffn", "layers": 1, "gain": 0.3},
    )
    assert {parameter.dtype for parameter in slim.parameters()} == {dtype}


def test_it_works_without_memory_where_no_weight_is_looked_at(
    tiny_model, tiny_config, operated
) -> None:
    with torch.device("meta"):
        model = type(tiny_model("bert"))(tiny_config("bert"))
    slim = operated(
        model,
        {"op": "drop_ffn", "layers": 0},
        {"op": "drop_attention", "layers": 1},
        {"op": "scale_ffn", "layers": 2, "gain": 0.5},
        {"op": "drop_layer", "layers": 3},
    )
    assert {parameter.device.type for parameter in slim.parameters()} == {"meta"}
    assert len(slim.encoder.layer) == 3
