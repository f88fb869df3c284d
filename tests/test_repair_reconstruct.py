"""Closed-form repair of whole models: each family, each operation, against plain references."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bertslim.data.task import Batch
from bertslim.errors import DataError, ModelError
from bertslim.model.checkpoint import build_slim, load_checkpoint, sharing_copy
from bertslim.model.families import FAMILIES
from bertslim.model.slim_modeling import ffn_of, layers_of, linear_of
from bertslim.progress import Progress
from bertslim.recipe.plan import make_plan
from bertslim.records import BLOCKS, Block, Plan, Repair
from bertslim.repair.affine_maps import affine_of, matrix_of
from bertslim.repair.reconstruct import reconstruct
from bertslim.surgery.layer_surgery import operate
from bertslim.surgery.output_metric import output_metric
from support.calibration import random_texts
from support.families import each_build
from support.plain_ridge import weighted_ridge
from support.residual_sums import reader_of_sum

Array = NDArray[np.float64]
HEAD = "SequenceClassification"
WIDTH = 32
MIXED = (
    {"op": "drop_attention", "layers": 0},
    {"op": "drop_ffn", "layers": 1, "fill": "linear"},
    {"op": "resize_ffn", "layers": 2, "width": 24},
)


BATCHES = random_texts(20, 20, 8)


@dataclass(frozen=True)
class Repaired:
    """A base, the slim model as it was cut, the same repaired, and what was said of it."""

    base: Any
    cut: Any
    slim: Any
    plan: Plan
    repairs: tuple[Repair, ...]

    def layer(self, model: Any, number: int) -> nn.Module:
        family = FAMILIES[self.base.config.model_type]
        return layers_of(model, family)[number]

    @property
    def family(self) -> Any:
        return FAMILIES[self.base.config.model_type]


@pytest.fixture
def repair(make_checkpoint, make_recipe) -> Callable[..., Repaired]:
    """Return a function that cuts a tiny model and repairs it, in float64 unless told."""

    def run(
        model_type: str,
        *operations: dict[str, Any],
        refit: str = "all",
        head: str | None = None,
        batches: Sequence[Batch] = BATCHES,
        dtype: torch.dtype = torch.float64,
        change: Callable[[Any], None] | None = None,
        **options: Any,
    ) -> Repaired:
        section = {"refit": refit, "head": "keep", "refine": options.pop("refine", 0)}
        recipe = make_recipe(*operations, reconstruct=section)
        base = load_checkpoint(make_checkpoint(model_type, head))
        base.model.to(dtype)
        if change is not None:
            with torch.no_grad():
                change(base.model)
        plan = make_plan(recipe, base.facts)

        def build() -> Any:
            model = sharing_copy(base.model)
            operate(model, plan)
            return build_slim(replace(base, model=model), plan.record)

        slim, seed = build(), options.pop("seed", 0)
        quiet = Progress(visible=False)
        repairs = reconstruct(
            base,
            slim,
            plan,
            batches,
            seed=seed,
            progress=quiet,
            **options,
        )
        return Repaired(base.model, build(), slim, plan.record, repairs)

    return run


# What the tests look at, read from the models' own calls


def real(batches: Sequence[Batch]) -> list[Tensor]:
    return [batch.inputs["attention_mask"].bool() for batch in batches]


def seen(model: Any, modules: dict[str, nn.Module], batches: Sequence[Batch]) -> dict[str, Array]:
    """Return what goes into some modules, (tokens, width) without padding, in float64."""
    found: dict[str, list[Tensor]] = {name: [] for name in modules}

    def see(name: str, inputs: Any) -> None:
        found[name].append(inputs[0][0] if isinstance(inputs[0], tuple) else inputs[0])

    handles = [
        module.register_forward_pre_hook(lambda _, inputs, name=name: see(name, inputs))
        for name, module in modules.items()
    ]
    with torch.no_grad():
        for batch in batches:
            model(**batch.inputs)
    for handle in handles:
        handle.remove()
    masks = real(batches)
    return {
        name: torch.cat([one[mask] for one, mask in zip(values, masks, strict=True)])
        .double()
        .numpy()
        for name, values in found.items()
    }


def sums_of(repaired: Repaired, model: Any, layer: int, block: str = "ffn") -> Array:
    """Return a block's sum before the LayerNorm that follows it, (tokens, width)."""
    return seen(model, {"sum": reader_of_sum(model, layer, block)}, BATCHES)["sum"]


def weighted_error(found: Array, wanted: Array) -> float:
    return float(np.sum((found - wanted) ** 2 / wanted.var(axis=1, keepdims=True)))


def logits(model: Any, batches: Sequence[Batch] = BATCHES) -> Tensor:
    with torch.no_grad():
        return torch.cat([model(**batch.inputs).logits for batch in batches])


def divergence(found: Repaired, model: Any) -> float:
    base, other = (logits(one).log_softmax(-1) for one in (found.base, model))
    return float((base.exp() * (base - other)).sum(-1).mean())


# Against a plain solution of one map


def drop_ffn(layers: Any = 1, **more: Any) -> dict[str, Any]:
    return {"op": "drop_ffn", "layers": layers, **more}


def resize_ffn(layers: Any = 1, **more: Any) -> dict[str, Any]:
    return {"op": "resize_ffn", "layers": layers, "width": 24, **more}


def squared_divisor(sums: np.ndarray, family: Any) -> np.ndarray:
    """Return the square of what the family's norms divide each token by."""
    return sums.var(axis=1) if family.layout.norms_centre else np.square(sums).mean(axis=1)


@each_build
def test_a_linear_fill_is_the_weighted_ridge_regression(model_type: str, repair) -> None:
    found = repair(model_type, drop_ffn(fill="linear"), refit="changed")
    layout = found.family.layout
    layer = found.layer(found.base, 1)
    modules = {
        "h": reader_of_sum(found.base, 1, "attention") if layout.ffn.norm_before else layer,
        "x": layer.get_submodule(layout.ffn.modules[0]),
        "u": reader_of_sum(found.base, 1),
    }
    base = seen(found.base, modules, BATCHES)
    residual = base["h"] if layout.ffn.norm_before else base["x"]
    (done,) = found.repairs
    assert (done.layer, done.part) == (1, "linear fill")
    weight, bias = weighted_ridge(
        base["x"],
        base["u"] - residual,
        1 / squared_divisor(base["u"], found.family),
        (np.zeros((WIDTH, WIDTH)), np.zeros(WIDTH)),
        done.ridge,
    )
    fill = affine_of(linear_of(found.layer(found.slim, 1), found.family))
    np.testing.assert_allclose(fill.weight.numpy(), weight, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(fill.bias.numpy(), bias, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("model_type", ["bert", "nomic_bert", "modernbert"])
@pytest.mark.parametrize("bypass", [False, True])
def test_a_narrowed_block_is_the_weighted_ridge_regression(
    bypass: bool, model_type: str, repair
) -> None:
    found = repair(model_type, resize_ffn(bypass=bypass), refit="changed")
    layer, layout = found.layer(found.cut, 1), found.family.layout
    modules = {
        "z": layer.get_submodule(layout.ffn.output),
        "x": layer.get_submodule(layout.ffn.input),
        "h": reader_of_sum(found.cut, 1, "attention") if layout.ffn.norm_before else layer,
    }
    slim = seen(found.cut, modules, BATCHES)
    residual = slim["h"] if layout.ffn.norm_before else slim["x"]
    u = sums_of(found, found.base, 1)
    prior = affine_of(ffn_of(layer, found.family)[1])
    x, weight = slim["z"], prior.weight.numpy()
    if bypass:
        x = np.hstack([x, slim["x"]])
        weight = np.vstack([weight, np.zeros((WIDTH, WIDTH))])
    (done,) = found.repairs
    assert done.part == ("FFN output and bypass" if bypass else "FFN output")
    target, biased = u - residual, layer.get_submodule(layout.ffn.output).bias is not None
    start = (weight, prior.bias.numpy())
    solved, bias = weighted_ridge(
        x, target, 1 / squared_divisor(u, found.family), start, done.ridge, biased=biased
    )
    result = affine_of(ffn_of(found.layer(found.slim, 1), found.family)[1])
    np.testing.assert_allclose(result.weight.numpy(), solved[:24], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(result.bias.numpy(), bias, rtol=1e-6, atol=1e-8)
    if bypass:
        beside = matrix_of(linear_of(found.layer(found.slim, 1), found.family))
        np.testing.assert_allclose(beside.numpy(), solved[24:], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    ("operation", "part", "block"),
    [
        (drop_ffn(fill="attention"), "attention output", "ffn"),
        (
            {"op": "prune_heads", "layers": 1, "heads": 2, "criterion": "magnitude"},
            "attention output",
            "attention",
        ),
    ],
)
def test_an_attention_output_is_the_weighted_ridge_regression(
    operation: dict[str, Any], part: str, block: str, repair
) -> None:
    found = repair("bert", operation, refit="changed")
    layer, layout = found.layer(found.cut, 1), found.family.layout
    modules = {"context": layer.get_submodule(layout.attention.output), "h": layer}
    slim, u = seen(found.cut, modules, BATCHES), sums_of(found, found.base, 1, block)
    prior = affine_of(layer.get_submodule(layout.attention.output))
    (done,) = found.repairs
    assert done.part == part
    weight, bias = weighted_ridge(
        slim["context"],
        u - slim["h"],
        1 / squared_divisor(u, found.family),
        (prior.weight.numpy(), prior.bias.numpy()),
        done.ridge,
    )
    result = affine_of(found.layer(found.slim, 1).get_submodule(layout.attention.output))
    np.testing.assert_allclose(result.weight.numpy(), weight, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(result.bias.numpy(), bias, rtol=1e-6, atol=1e-8)


@each_build
def test_what_reads_slim_states_is_the_ridge_regression_of_what_it_said_of_the_bases(
    model_type: str, repair
) -> None:
    found = repair(model_type, drop_ffn(1), refit="all")
    layout = found.family.layout
    read = layout.attention.inputs[2 * layout.attention.reads_positions :]
    both = tuple(filter(None, (layout.ffn.input, layout.ffn.up)))
    places = {"attention inputs": (read, read[0]), "FFN inputs": (both, layout.ffn.input)}
    for part, (names, place) in places.items():
        (done,) = (one for one in found.repairs if (one.layer, one.part) == (2, part))
        base_layer, slim_layer = (found.layer(one, 2) for one in (found.base, found.slim))
        x = seen(found.slim, {"x": slim_layer.get_submodule(place)}, BATCHES)["x"]
        z = seen(found.base, {"x": base_layer.get_submodule(place)}, BATCHES)["x"]
        prior, solved = (
            affine_of(*(layer.get_submodule(name) for name in names))
            for layer in (base_layer, slim_layer)
        )
        weight, bias = (one.numpy() for one in (prior.weight, prior.bias))
        biased = base_layer.get_submodule(place).bias is not None
        target, equal = z @ weight + bias, np.ones(len(x))
        expected = weighted_ridge(x, target, equal, (weight, bias), done.ridge, biased=biased)
        np.testing.assert_allclose(solved.weight.numpy(), expected[0], rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(solved.bias.numpy(), expected[1], rtol=1e-6, atol=1e-8)


def test_a_fitted_gain_is_the_weighted_least_squares_one(repair) -> None:
    found = repair(
        "bert", drop_ffn(0), {"op": "scale_ffn", "layers": 1, "gain": "fit"}, refit="changed"
    )
    layer, layout = found.layer(found.cut, 1), found.family.layout
    modules = {
        "h": layer.get_submodule(layout.ffn.input),
        "u": layer.get_submodule(layout.ffn.norm_after),
    }
    slim, u = seen(found.cut, modules, BATCHES), sums_of(found, found.base, 1)
    said, wanted, w = slim["u"] - slim["h"], u - slim["h"], 1 / u.var(axis=1, keepdims=True)
    gain = np.sum(w * said * wanted) / np.sum(w * said**2)
    old, new = (ffn_of(found.layer(one, 1), found.family)[1] for one in (found.cut, found.slim))
    torch.testing.assert_close(new.weight, old.weight * gain, rtol=1e-6, atol=0)
    torch.testing.assert_close(new.bias, old.bias * gain, rtol=1e-6, atol=0)
    assert gain != pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("bypass", [False, True, 8])
def test_a_shared_block_is_solved_from_all_its_layers(bypass: bool | int, repair) -> None:
    """From what the layers get and say in the base, each token by its own layer's variance."""
    shared = {"op": "share_ffn", "layers": [1, 2]}
    found = repair("bert", resize_ffn([1, 2], bypass=bypass), shared, refit="changed")
    layout, block = found.family.layout, found.layer(found.cut, 1)
    ffn_in, ffn_out = ffn_of(block, found.family)
    inputs, targets, weights = [], [], []
    for number in (1, 2):
        layer = found.layer(found.base, number)
        modules = {
            "h": layer.get_submodule(layout.ffn.input),
            "u": layer.get_submodule(layout.ffn.norm_after),
        }
        base = seen(found.base, modules, BATCHES)
        said = affine_of(ffn_in)
        neurons = nn.functional.gelu(torch.from_numpy(base["h"]) @ said.weight + said.bias).numpy()
        inputs.append(np.hstack([neurons, base["h"]]) if bypass else neurons)
        targets.append(base["u"] - base["h"])
        weights.append(1 / base["u"].var(axis=1))
    x, y, w = (np.concatenate(one) for one in (inputs, targets, weights))
    prior = affine_of(ffn_out)
    (done,) = found.repairs
    new = affine_of(ffn_of(found.layer(found.slim, 1), found.family)[1])
    weight = np.vstack([prior.weight.numpy(), np.zeros((WIDTH if bypass else 0, WIDTH))])
    beside = linear_of(found.layer(found.slim, 2), found.family)
    if bypass == 8:
        result = np.vstack([new.weight.numpy(), matrix_of(beside).numpy()])
        errors = [
            np.sum(w[:, None] * (x @ one + bias - y) ** 2)
            for one, bias in ((weight, prior.bias.numpy()), (result, new.bias.numpy()))
        ]
        assert np.abs(matrix_of(beside).numpy()).max() > 0.01
        assert errors[1] < errors[0]
        return
    solved, bias = weighted_ridge(x, y, w, (weight, prior.bias.numpy()), done.ridge)
    np.testing.assert_allclose(new.weight.numpy(), solved[:24], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(new.bias.numpy(), bias, rtol=1e-6, atol=1e-8)
    if bypass:
        np.testing.assert_allclose(matrix_of(beside).numpy(), solved[24:], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    "make", [lambda rank: drop_ffn(fill="linear", rank=rank), lambda rank: resize_ffn(bypass=rank)]
)
def test_a_lower_rank_starts_from_the_same_error_and_ends_at_a_larger_one(make, repair) -> None:
    errors = []
    for rank in (31, 16, 4):
        (done,) = repair("bert", make(rank), refit="changed").repairs
        errors.append((done.before, done.after))
    before, after = zip(*errors, strict=True)
    assert before == pytest.approx([before[0]] * 3, rel=1e-9)
    assert after[0] < after[1] < after[2] < before[2]


def test_where_nothing_is_better_than_nothing_a_map_of_low_rank_says_nothing(repair) -> None:
    """Held-out texts that the others say nothing of: the base's block is silent there."""

    def silence(model: Any) -> None:
        _, ffn_out = ffn_of(layers_of(model, FAMILIES["bert"])[1], FAMILIES["bert"])
        ffn_out.weight.zero_()
        ffn_out.bias.zero_()

    found = repair("bert", drop_ffn(fill="linear", rank=8), refit="changed", change=silence)
    (done,) = found.repairs
    assert (done.ridge, done.before, done.after) == (None, 0, 0)
    assert not matrix_of(linear_of(found.layer(found.slim, 1), found.family)).any()


# Each operation, each family

ALONE = {
    "attention": (drop_ffn(fill="attention"), "ffn"),
    "linear": (drop_ffn(fill="linear"), "ffn"),
    "linear of rank 8": (drop_ffn(fill="linear", rank=8), "ffn"),
    "width": (resize_ffn(), "ffn"),
    "bypass": (resize_ffn(bypass=True), "ffn"),
    "bypass of rank 8": (resize_ffn(bypass=8), "ffn"),
    "gain": ({"op": "scale_ffn", "layers": 1, "gain": "fit"}, "ffn"),
    "heads": (
        {"op": "prune_heads", "layers": 1, "heads": 2, "criterion": "magnitude"},
        "attention",
    ),
}


@pytest.mark.parametrize("name", ALONE)
@each_build
def test_what_is_changed_errs_less_once_repaired(model_type: str, name: str, repair) -> None:
    operation, block = ALONE[name]
    found = repair(model_type, operation, refit="changed", dtype=torch.float32)
    wanted = sums_of(found, found.base, 1, block)
    before, after = (
        weighted_error(sums_of(found, one, 1, block), wanted) for one in (found.cut, found.slim)
    )
    if name == "gain":  # of a block that is whole 1 is best
        assert after == before
        return
    assert after < before
    assert all(one.after < one.before for one in found.repairs)
    for number in (0, 2, 3):
        pairs = zip(
            found.layer(found.base, number).parameters(),
            found.layer(found.slim, number).parameters(),
            strict=True,
        )
        assert all(torch.equal(one, other) for one, other in pairs)


@pytest.mark.parametrize(
    "operations",
    [
        [{"op": "drop_attention", "layers": 1}],
        [{"op": "drop_attention", "layers": 1, "layer_norm": "remove"}],
        [{"op": "drop_layer", "layers": 1}],
        [drop_ffn(1)],
        [drop_ffn(1, fill="linear", layer_norm="remove")],
        [{"op": "share_ffn", "layers": "0-1"}],
        [{"op": "prune_heads", "layers": "0-1", "heads": 1, "criterion": "magnitude"}],
        list(MIXED),
    ],
    ids=lambda steps: "+".join(step["op"] for step in steps),
)
@pytest.mark.parametrize("refit", ["outputs", "all"])
def test_the_layers_above_make_up_for_what_is_gone(
    operations: list[dict[str, Any]], refit: str, repair
) -> None:
    found = repair("bert", *operations, refit=refit)
    last = found.plan.layers[-1].slim_layer
    wanted = sums_of(found, found.base, 3)
    before, after = (
        weighted_error(sums_of(found, one, last), wanted) for one in (found.cut, found.slim)
    )
    assert after < 0.9 * before
    assert divergence(found, found.slim) < divergence(found, found.cut)


@each_build
def test_every_family_comes_closer_to_its_base(model_type: str, repair) -> None:
    found = repair(model_type, *MIXED, dtype=torch.float32)
    # where norms stand before blocks, less of the stream passes through what is solved
    share = 0.8 if found.family.layout.ffn.norm_before else 0.7
    assert divergence(found, found.slim) < share * divergence(found, found.cut)
    solved = [(one.layer, one.part) for one in found.repairs]
    assert solved == [
        (0, "FFN inputs"), (0, "FFN output"),
        (1, "attention inputs"), (1, "attention output"), (1, "linear fill"),
        (2, "attention inputs"), (2, "attention output"), (2, "FFN inputs"), (2, "FFN output"),
        (3, "attention inputs"), (3, "attention output"), (3, "FFN inputs"), (3, "FFN output"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("refit", "parts"),
    [
        ("changed", {"linear fill"}),
        ("outputs", {"linear fill", "attention output", "FFN output"}),
        (
            "all",
            {"linear fill", "attention output", "FFN output", "attention inputs", "FFN inputs"},
        ),
    ],
)
def test_refit_says_which_maps_are_solved(refit: str, parts: set[str], repair) -> None:
    found = repair("bert", drop_ffn(1, fill="linear"), refit=refit)
    assert {one.part for one in found.repairs} == parts
    assert {one.layer for one in found.repairs} == ({1} if refit == "changed" else {1, 2, 3})
    assert all(one.after <= one.before for one in found.repairs)


@each_build
def test_what_is_right_already_stays_as_it_is(model_type: str, repair) -> None:
    found = repair(model_type, {"op": "scale_ffn", "layers": 0, "gain": 1.0})
    assert found.repairs
    base, slim = found.base.state_dict(), found.slim.state_dict()
    assert base.keys() == slim.keys()
    for name, values in base.items():
        torch.testing.assert_close(slim[name], values, rtol=1e-9, atol=1e-9, msg=name)


@each_build
def test_the_base_is_left_as_it_was(model_type: str, repair) -> None:
    before: dict[str, Tensor] = {}

    def remember(model: Any) -> None:
        before.update({name: one.clone() for name, one in model.state_dict().items()})

    found = repair(model_type, *MIXED, change=remember)
    after = found.base.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(values, before[name]) for name, values in after.items())


def same_weights(first: Any, second: Any) -> bool:
    one, other = first.state_dict(), second.state_dict()
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def test_states_on_disk_give_the_same_weights_to_the_bit(repair) -> None:
    in_memory = repair("bert", *MIXED, dtype=torch.float32)
    on_disk = repair("bert", *MIXED, dtype=torch.float32, memory_budget=0)
    assert same_weights(in_memory.slim, on_disk.slim)
    assert in_memory.repairs == on_disk.repairs


def test_the_seed_settles_which_texts_are_held_out(repair) -> None:
    first, again, other = (repair("bert", *MIXED, seed=seed) for seed in (0, 0, 1))
    assert same_weights(first.slim, again.slim)
    assert [one.after for one in first.repairs] != [one.after for one in other.repairs]


def test_tokens_count_by_sensitivity_where_it_is_known(repair) -> None:
    draw = torch.Generator().manual_seed(0)
    given = [torch.rand(4, 2, *mask.shape, generator=draw) * mask for mask in real(BATCHES)]
    plain = repair("bert", drop_ffn(fill="linear"), refit="changed")
    found = repair("bert", drop_ffn(fill="linear"), refit="changed", sensitivity=given)
    layer, layout = found.layer(found.base, 1), found.family.layout
    modules = {
        "x": layer.get_submodule(layout.ffn.modules[0]),
        "u": layer.get_submodule(layout.ffn.norm_after),
    }
    base = seen(found.base, modules, BATCHES)
    variance = base["u"].var(axis=1)
    minds = np.concatenate(
        [one[1, 1][mask].double().numpy() for one, mask in zip(given, real(BATCHES), strict=True)]
    )
    matter = minds * variance
    lengths = np.concatenate([mask.sum(dim=1).numpy() for mask in real(BATCHES)])
    text = np.repeat(np.arange(len(lengths)), lengths)
    mean = (np.bincount(text, matter) / lengths)[text]
    weights = (0.5 + 0.5 * matter / mean) / variance
    zero = np.zeros((WIDTH, WIDTH)), np.zeros(WIDTH)
    (done,) = found.repairs
    weight, _ = weighted_ridge(base["x"], base["u"] - base["x"], weights, zero, done.ridge)
    fill = matrix_of(linear_of(found.layer(found.slim, 1), found.family))
    np.testing.assert_allclose(fill.numpy(), weight, rtol=1e-6, atol=1e-8)
    other = matrix_of(linear_of(plain.layer(plain.slim, 1), plain.family))
    assert not torch.allclose(fill, other, rtol=1e-3)


# Data and weights that say little


HALF_THE_HEADS = {"op": "prune_heads", "layers": 1, "heads": 2, "criterion": "magnitude"}
ATTENTION_FILL = drop_ffn(fill="attention")

REFINED = [
    ("bert", resize_ffn(), "ffn"),
    ("bert", resize_ffn(bypass=8), "ffn"),
    ("nomic_bert", resize_ffn(), "ffn"),  # gated, without biases
    ("gte", resize_ffn(), "ffn"),  # gated, with one bias fewer than maps
    ("modernbert", resize_ffn(bypass=True), "ffn"),  # one map for gate and up, norms before
    ("megatron-bert", resize_ffn(), "ffn"),  # norms before blocks
    ("bert", HALF_THE_HEADS, "attention"),
    ("mpnet", HALF_THE_HEADS, "attention"),  # a bias of relative positions
    ("deberta-v2", HALF_THE_HEADS, "attention"),  # query and key map positions, too
    ("modernbert", HALF_THE_HEADS, "attention"),  # one map for query, key and value; rotary
    ("bert", ATTENTION_FILL, "ffn"),
    ("megatron-bert", ATTENTION_FILL, "ffn"),
]


@pytest.mark.parametrize(("model_type", "step", "block"), REFINED)
def test_a_refined_block_errs_less_on_what_it_should_put_out(
    model_type: str, step: dict[str, Any], block: Block, repair
) -> None:
    """The weighted error of the layer's sum, in the metric, on other texts too."""
    texts = random_texts(*[80] * 5, seed=12)  # enough that the maps do not learn them by heart
    gradients = torch.randn(4, 2, 40, WIDTH, dtype=torch.float64)
    moments = gradients.mT @ gradients
    metric = output_metric(moments[1, BLOCKS.index(block)]).numpy()
    solved, refined = (
        repair(
            model_type,
            step,
            refit="changed",
            refine=steps,
            gradient_moments=moments,
            batches=texts,
        )
        for steps in (0, 60)
    )
    *others, done = refined.repairs
    assert others == list(solved.repairs)
    part = "FFN, refined" if step["op"] == "resize_ffn" else "attention, refined"
    assert (done.layer, done.part, done.ridge) == (1, part, None)
    assert done.after < done.before
    wanted = sums_of(solved, solved.base, 1, block)

    def error(found: Repaired) -> float:
        off = sums_of(found, found.slim, 1, block) - wanted
        return float(np.sum((off @ metric) * off / wanted.var(axis=1, keepdims=True)))

    assert error(refined) < error(solved)
    layers = [one.layer(one.slim, 1) for one in (solved, refined)]
    maps = [[*module.named_parameters()] for module in layers]
    layout = solved.family.layout
    ffn = (layout.ffn.input, layout.ffn.up, layout.ffn.output)
    attention = (*layout.attention.inputs, layout.attention.output)
    fitted = tuple(filter(None, ffn if step["op"] == "resize_ffn" else attention))
    for (name, before), (_, after) in zip(*maps, strict=True):
        assert torch.equal(before, after) != (name.startswith(fitted) or "bypass" in name)


def test_refined_attention_takes_the_same_texts_by_seed(repair) -> None:
    one, same, other = (repair("bert", HALF_THE_HEADS, refine=3, seed=n) for n in (1, 1, 2))
    for name, tensor in one.slim.state_dict().items():
        assert torch.equal(tensor, same.slim.state_dict()[name])
    assert one.repairs == same.repairs != other.repairs


def test_refining_takes_the_same_tokens_by_seed(repair) -> None:
    one, same, other = (repair("bert", resize_ffn(), refine=3, seed=n) for n in (1, 1, 2))
    for name, tensor in one.slim.state_dict().items():
        assert torch.equal(tensor, same.slim.state_dict()[name])
    assert one.repairs == same.repairs != other.repairs


def test_only_changed_blocks_of_a_layer_of_their_own_are_refined(repair) -> None:
    shared = {"op": "share_ffn", "layers": [1, 2]}
    found = repair("bert", resize_ffn([0, 1, 2]), shared, drop_ffn(3, fill="linear"), refine=3)
    assert [done.layer for done in found.repairs if "refined" in done.part] == [0]


def test_one_text_is_refused(repair) -> None:
    with pytest.raises(DataError, match=r"^reconstruct needs at least two texts"):
        repair("bert", drop_ffn(fill="linear"), batches=random_texts(1))


def finite(model: Any) -> bool:
    return all(bool(values.isfinite().all()) for values in model.state_dict().values())


EVERY_MAP = (
    drop_ffn(0, fill="attention"),
    drop_ffn(1, fill="linear", rank=8),
    resize_ffn(2, bypass=8),
    {"op": "scale_ffn", "layers": 3, "gain": "fit"},
)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_few_or_identical_texts_give_finite_weights(repair, dtype: torch.dtype) -> None:
    few = random_texts(2, length=5)
    one = random_texts(1)[0]
    many = {name: values.expand(12, -1) for name, values in one.inputs.items()}
    token = {name: values[:, :1] for name, values in many.items()}
    for batches in (
        few,
        [Batch(inputs=many, rows=tuple(range(12)))],
        [Batch(inputs=token, rows=tuple(range(12)))],
    ):
        found = repair("bert", *EVERY_MAP, batches=batches, dtype=dtype)
        assert finite(found.slim)
        assert logits(found.slim).isfinite().all()


def test_dead_neurons_and_channels_give_finite_weights(repair) -> None:
    def kill(model: Any) -> None:
        for layer in layers_of(model, FAMILIES["bert"]):
            ffn_in, ffn_out = ffn_of(layer, FAMILIES["bert"])
            for linear in (ffn_in, ffn_out):
                linear.weight[:3] = 0
                linear.bias[:3] = 0
            norm = layer.get_submodule(FAMILIES["bert"].layout.attention.norm_after)
            norm.weight[5], norm.bias[5] = 0, 0

    found = repair("bert", *EVERY_MAP, change=kill, dtype=torch.float32)
    assert finite(found.slim)
    assert divergence(found, found.slim) < divergence(found, found.cut)


@pytest.mark.parametrize("operation", [drop_ffn(2, fill="linear"), EVERY_MAP[3]])
@pytest.mark.parametrize("value", [float("nan"), 1e38])
def test_a_base_that_puts_out_no_numbers_is_refused(
    repair, operation: dict[str, Any], value: float
) -> None:
    def damage(model: Any) -> None:
        ffn_of(layers_of(model, FAMILIES["bert"])[1], FAMILIES["bert"])[1].weight[0] = value

    with pytest.raises(ModelError, match=r"^layer [23] puts out numbers that are not finite"):
        repair("bert", operation, change=damage, dtype=torch.float32)
