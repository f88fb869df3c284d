"""Parameters and multiply-accumulates, counted by hand."""

from __future__ import annotations

from bertslim.recipe.sizes import count, ffn_parameters, layer_macs, layer_parameters
from bertslim.records import LayerFacts
from support.plans import NO_FFN, WHOLE, make_facts


def test_counts_of_a_layer_by_hand() -> None:
    facts = make_facts()
    attention = 4 * (32 * 32 + 32)
    ffn = 32 * 64 + 64 + 64 * 32 + 32
    norm = 2 * 32
    assert layer_parameters(facts, WHOLE) == attention + ffn + 2 * norm
    assert layer_parameters(facts, NO_FFN) == attention + 2 * norm
    assert ffn_parameters(facts, WHOLE) == ffn
    assert ffn_parameters(facts, NO_FFN) == 0
    bare = LayerFacts(heads=0, intermediate_size=0, attention_norm=False, ffn_norm=False)
    assert layer_parameters(facts, bare) == layer_macs(facts, bare, 10) == 0
    projections, scores, widths = 4 * 32 * 32, 2 * 10 * 32, 2 * 32 * 64
    assert layer_macs(facts, WHOLE, 10) == 10 * (projections + scores + widths)


def test_counts_of_linear_maps_and_shared_blocks_by_hand() -> None:
    facts = make_facts()
    attention, norms = 4 * (32 * 32 + 32), 2 * 2 * 32
    computed = 10 * 4 * 32 * 32 + 2 * 10 * 10 * 32
    for layer, parameters, macs in (
        ({"intermediate_size": 0, "linear_rank": 32}, 32 * 32 + 32, 32 * 32),
        ({"intermediate_size": 0, "linear_rank": 8}, 2 * 32 * 8 + 32, 2 * 32 * 8),
        (
            {"intermediate_size": 16, "linear_rank": 32},
            2 * 32 * 16 + 16 + 32 + 32 * 32,
            2 * 32 * 16 + 32 * 32,
        ),
        (
            {"intermediate_size": 16, "linear_rank": 8},
            2 * 32 * 16 + 16 + 32 + 2 * 32 * 8,
            2 * 32 * 16 + 2 * 32 * 8,
        ),
        ({"intermediate_size": 16, "linear_rank": 8, "ffn_of": 0}, 0, 2 * 32 * 16 + 2 * 32 * 8),
    ):
        made = LayerFacts(heads=4, **layer)
        assert ffn_parameters(facts, made) == parameters
        assert layer_parameters(facts, made) == attention + norms + parameters
        assert layer_macs(facts, made, 10) == computed + 10 * macs


def test_counts_of_a_model_by_hand() -> None:
    facts = make_facts(shared_parameters=7)
    sizes = count(facts, facts.layers[:2], 10)
    layer = layer_parameters(facts, WHOLE)
    assert sizes.encoder == 7 + 2 * layer
    assert sizes.embeddings == 1000
    assert sizes.parameters == 7 + 2 * layer + 1000 + 200
    assert sizes.macs == 2 * layer_macs(facts, WHOLE, 10) + 10 * 30 + 400
