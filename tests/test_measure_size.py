"""What a model holds and computes, counted on the model itself."""

from __future__ import annotations

import pytest
import torch

from bertslim.measure.size import compare_parameters, count_macs, count_parameters
from bertslim.model.checkpoint import load_checkpoint, load_model
from bertslim.model.families import FAMILIES
from bertslim.recipe.plan import make_plan
from bertslim.recipe.recipe_files import load_recipe
from support.families import LAYERED

BERT = FAMILIES["bert"]


def test_parameters_of_the_parts_by_hand(make_checkpoint) -> None:
    counts = count_parameters(load_model(make_checkpoint("bert")))
    layer = 4 * (32 * 32 + 32) + (32 * 64 + 64) + (64 * 32 + 32) + 2 * 2 * 32
    assert counts.layers == (layer,) * 4
    assert counts.encoder == 4 * layer
    assert counts.embeddings == (99 + 40 + 2 + 2) * 32
    pooler, classifier = 32 * 32 + 32, 32 * 3 + 3
    assert counts.total == counts.encoder + counts.embeddings + pooler + classifier


def test_tied_parameters_count_once(make_checkpoint) -> None:
    tied, untied = (
        count_parameters(load_model(make_checkpoint("bert", "MaskedLM", **changes)))
        for changes in ({}, {"tie_word_embeddings": False})
    )
    assert untied.total - tied.total == 99 * 32 + 99


def test_what_the_layers_share_belongs_to_the_encoder(make_checkpoint) -> None:
    model = load_model(make_checkpoint("mpnet"))
    counts = count_parameters(model)
    assert counts.encoder - sum(counts.layers) == 32 * 4  # buckets x heads


def test_sizes_are_compared_part_by_part_and_layer_by_layer(
    make_checkpoint, make_recipe, cut
) -> None:
    base = make_checkpoint("bert")
    recipe = make_recipe({"op": "drop_layer", "layers": 1}, {"op": "drop_ffn", "layers": 3})
    plan = make_plan(recipe, load_checkpoint(base).facts).record
    before, after = (count_parameters(load_model(path)) for path in (base, cut(base, recipe)))
    found = compare_parameters(before, after, plan)
    layer = 4 * (32 * 32 + 32) + 2 * 2 * 32 + 2 * 32 * 64 + 64 + 32
    ffn = 2 * 32 * 64 + 64 + 32
    rows = [
        (one.context["layer"], one.base, one.slim)
        for one in found
        if one.name == "parameters.layer"
    ]
    assert rows == [(0, layer, layer), (1, layer, 0), (2, layer, layer), (3, layer, layer - ffn)]
    encoder = next(one for one in found if one.name == "parameters.encoder")
    assert (encoder.base, encoder.slim) == (4 * layer, 3 * layer - ffn)
    assert encoder.ratio == (3 * layer - ffn) / (4 * layer)
    assert {one.unit for one in found} == {"parameters"}
    whole = next(one for one in found if one.name == "parameters")
    assert whole.base - whole.slim == layer + ffn
    kept = next(one for one in found if one.name == "parameters.embeddings")
    assert kept.ratio == 1


@pytest.mark.parametrize("length", [1, 7, 40])
def test_macs_by_hand(length: int, make_checkpoint) -> None:
    """Projections, QK^T and AV, the FFN, pooler and classifier; no embedding look-up."""
    model = load_model(make_checkpoint("bert"))
    layer = length * 4 * 32 * 32 + 2 * length * length * 32 + length * 2 * 32 * 64
    assert count_macs(model, "SequenceClassification", length=length) == (
        4 * layer + 32 * 32 + 32 * 3
    )


def test_counting_macs_leaves_the_model_as_it_was(make_checkpoint, cut, answer, capfd) -> None:
    for directory in (make_checkpoint("bert"), cut(make_checkpoint("bert"), "drop_odd")):
        model = load_model(directory)
        before = answer(model)
        count_macs(model, "SequenceClassification", length=5)
        assert model.config._attn_implementation == "sdpa"
        assert torch.equal(answer(model), before)
    assert capfd.readouterr() == ("", "")


def test_shared_and_linear_blocks_hold_and_compute_what_is_planned(
    make_checkpoint, make_recipe, cut
) -> None:
    steps = (
        {"op": "drop_ffn", "layers": 0, "fill": "linear", "rank": 8},
        {"op": "resize_ffn", "layers": "1-2", "width": 24, "bypass": True},
        {"op": "share_ffn", "layers": "1-2"},
    )
    heads = {"op": "prune_heads", "layers": "2-3", "heads": 3, "criterion": "magnitude"}
    for model_type in LAYERED:
        recipe = make_recipe(*steps, heads, reconstruct={"samples": 1})
        base = make_checkpoint(model_type)
        facts = load_checkpoint(base).facts
        plan = make_plan(recipe, facts, length=12).record
        model = load_model(cut(base, recipe))
        counts = count_parameters(model)
        assert counts.total == plan.slim.parameters
        assert counts.layers == tuple(row.parameters_after for row in plan.layers)
        assert counts.encoder == plan.slim.encoder
        assert count_macs(model, facts.head, length=12) == plan.slim.macs


def test_shipped_recipes_save_the_macs_that_they_plan(make_checkpoint, cut) -> None:
    base = make_checkpoint("roberta")
    facts = load_checkpoint(base).facts
    for name in ("drop_odd", "drop_all", "halve_width", "quarter_width_odd", "scale_half"):
        plan = make_plan(load_recipe(name), facts, length=12).record
        macs = count_macs(load_model(cut(base, name)), facts.head, length=12)
        assert macs == plan.slim.macs
