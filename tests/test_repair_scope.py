"""Which maps a repair may solve, read from a recipe and its plan."""

from __future__ import annotations

from typing import Any

import pytest

from bertslim.recipe.plan import make_plan
from bertslim.recipe.schema import Reconstruct
from bertslim.records import LayerFacts, ModelFacts
from bertslim.repair.scope import Scope

STEPS: tuple[dict[str, Any], ...] = (
    {"op": "drop_ffn", "layers": [1], "fill": "attention"},
    {"op": "drop_ffn", "layers": [2], "fill": "linear"},
    {"op": "drop_layer", "layers": 0},
    {"op": "scale_ffn", "layers": 3, "gain": "fit"},
    {"op": "scale_ffn", "layers": 4, "gain": 2.0},
    {"op": "share_ffn", "layers": [4, 5]},
)


@pytest.fixture
def facts(tiny_model) -> ModelFacts:
    from bertslim.model.config_facts import read_facts

    config = tiny_model("bert", num_hidden_layers=7).config.to_dict()
    return read_facts(config | {"architectures": ["BertModel"]})


@pytest.fixture
def scope(make_recipe, facts):
    def read(*steps: dict[str, Any], **sections: Any) -> tuple[Scope, Any]:
        loaded = make_recipe(*steps, **sections)
        plan = make_plan(loaded, facts)
        return Scope.of(plan), plan.record

    return read


def test_layers_are_named_by_their_number_in_the_base(scope) -> None:
    found, plan = scope(*STEPS, reconstruct={"samples": 3})
    assert found.attention_fills == {1}
    assert found.fitted_gains == {3}
    assert found.givers == {5: 4}
    assert [found.giver(row) for row in plan.layers] == [None, None, None, None, 4, 4, None]
    assert [found.changes(row) for row in plan.layers] == [True] * 6 + [False]
    assert found.options == Reconstruct(samples=3)


@pytest.mark.parametrize(
    ("refit", "outputs", "inputs"),
    [("changed", False, False), ("outputs", True, False), ("all", True, True)],
)
def test_refit_widens_the_scope(refit: str, outputs: bool, inputs: bool, scope) -> None:
    found, _ = scope(STEPS[1], reconstruct={"refit": refit})
    assert (found.outputs, found.inputs) == (outputs, inputs)


def test_blocks_that_the_base_shares_already_are_known(make_recipe, facts) -> None:
    whole = LayerFacts(heads=4, intermediate_size=64)
    layers = (whole, whole, whole.model_copy(update={"ffn_of": 1}))
    loaded = make_recipe({"op": "drop_layer", "layers": 0}, reconstruct={})
    plan = make_plan(loaded, facts.model_copy(update={"layers": layers}))
    assert Scope.of(plan).givers == {2: 1}
