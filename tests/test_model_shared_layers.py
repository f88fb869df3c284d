"""A family whose layers are one that is run several times: what is cut is cut at every depth."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bertslim.data.task import Batch
from bertslim.errors import ModelError, RecipeError
from bertslim.measure.size import count_macs, count_parameters
from bertslim.model.checkpoint import build_slim, load_checkpoint, load_model, sharing_copy
from bertslim.model.config_facts import read_facts
from bertslim.model.families import FAMILIES
from bertslim.model.layer import layer_inputs, model_layers, passes_of, run_head
from bertslim.progress import Progress
from bertslim.ranks import Ranks
from bertslim.recipe.plan import make_plan
from bertslim.repair.calibration import open_calibration
from bertslim.repair.hidden_states import HiddenStateRoom
from bertslim.repair.reconstruct import reconstruct
from bertslim.repair.repeated_layers import FinalStates, PassStates, drawn_passes
from bertslim.surgery.layer_surgery import operate
from support.calibration import random_texts
from support.families import LAYERED

SHARING = [name for name in FAMILIES if name not in LAYERED]
CUTS: dict[str, tuple[dict[str, Any], ...]] = {
    "narrowed": ({"op": "resize_ffn", "layers": "all", "width": 24},),
    "bypassed": ({"op": "resize_ffn", "layers": "all", "width": 16, "bypass": 8},),
    "filled": ({"op": "drop_ffn", "layers": "all", "fill": "linear"},),
    "gone": ({"op": "drop_ffn", "layers": "all"},),
    "without_norm": ({"op": "drop_ffn", "layers": "all", "fill": "attention"},),
    "scaled": ({"op": "scale_ffn", "layers": "all", "gain": 0.5},),
    "fewer_heads": ({"op": "prune_heads", "layers": "all", "heads": 2, "criterion": "magnitude"},),
}
SOLVED = ("narrowed", "bypassed", "filled", "without_norm", "fewer_heads")

each_family = pytest.mark.parametrize("model_type", SHARING)
each_cut = pytest.mark.parametrize("name", CUTS)


def recipe_of(make_recipe: Callable[..., Any], name: str) -> Any:
    return make_recipe(*CUTS[name], name=name, reconstruct={"samples": 8})


@each_family
def test_states_go_through_the_layer_as_often_as_the_configuration_says(
    model_type: str, tiny_model, example_inputs
) -> None:
    model, inputs = tiny_model(model_type).double(), example_inputs()
    assert passes_of(model) == 3
    assert len(model_layers(model)) == 1
    hidden, (given,) = layer_inputs(model, inputs)
    layer = model_layers(model)[0]
    with torch.no_grad():
        expected = model(**inputs, output_hidden_states=True)
        for number in range(3):
            torch.testing.assert_close(hidden, expected.hidden_states[number], atol=1e-9, rtol=0)
            hidden = layer.ffn.run(layer.attention.run(hidden, given))
        found = run_head(model, inputs, hidden)
    torch.testing.assert_close(found.last_hidden_state, expected.last_hidden_state)
    torch.testing.assert_close(found.pooler_output, expected.pooler_output)


@each_cut
@each_family
def test_the_plan_is_what_is_measured(
    model_type: str, name: str, make_checkpoint, make_recipe, cut
) -> None:
    base, recipe = make_checkpoint(model_type), recipe_of(make_recipe, name)
    plan = make_plan(recipe, load_checkpoint(base).facts, length=12).record
    slim = load_checkpoint(cut(base, recipe))
    assert count_parameters(slim.model).total == plan.slim.parameters
    assert count_parameters(slim.model).layers == (plan.layers[0].parameters_after,)
    assert count_macs(slim.model, slim.facts.head, length=12) == plan.slim.macs
    assert slim.facts.layers == plan.slim_layers


LOAD = """
import json, sys
import numpy, torch, transformers

found = {}
inputs = {name: torch.tensor(value) for name, value in json.load(open(sys.argv[1])).items()}
for directory in sys.argv[3:]:
    auto = transformers.AutoModelForSequenceClassification
    model = auto.from_pretrained(directory, trust_remote_code=True).eval()
    with torch.inference_mode():
        found[directory] = model(**inputs).logits.numpy()
numpy.savez(sys.argv[2], **found)
"""


@each_family
def test_what_was_cut_loads_without_bertslim_and_answers_the_same(
    model_type: str,
    make_checkpoint,
    make_recipe,
    cut,
    answer,
    example_inputs,
    fresh_python,
    tmp_path: Path,
) -> None:
    base = make_checkpoint(model_type)
    slim = [cut(base, recipe_of(make_recipe, name)) for name in CUTS]
    inputs = {name: value.tolist() for name, value in example_inputs().items()}
    (tmp_path / "inputs.json").write_text(json.dumps(inputs))
    fresh_python(LOAD, tmp_path / "inputs.json", tmp_path / "found.npz", *slim, bertslim=False)
    with np.load(tmp_path / "found.npz") as found:
        for directory in slim:
            expected = answer(load_model(directory)).numpy()
            np.testing.assert_allclose(found[str(directory)].ravel(), expected.ravel(), atol=1e-6)


@each_family
def test_an_even_result_is_a_stock_checkpoint(
    model_type: str, make_checkpoint, make_recipe, cut
) -> None:
    slim = cut(make_checkpoint(model_type), recipe_of(make_recipe, "narrowed"))
    config = json.loads((slim / "config.json").read_text())
    assert (config["model_type"], config["intermediate_size"]) == (model_type, 24)
    assert "auto_map" not in config


@pytest.mark.parametrize("layers", ["odd", "even", 0, "last 1"])
@each_family
def test_a_choice_among_depths_is_refused(
    model_type: str, layers: Any, make_checkpoint, make_recipe
) -> None:
    facts = load_checkpoint(make_checkpoint(model_type)).facts
    with pytest.raises(RecipeError, match="run 3 times, so that only 'all' has a meaning"):
        make_plan(make_recipe({"op": "drop_ffn", "layers": layers}), facts)


@each_family
def test_its_attention_stays(model_type: str, make_checkpoint, make_recipe) -> None:
    facts = load_checkpoint(make_checkpoint(model_type)).facts
    with pytest.raises(RecipeError, match="cannot lose its attention"):
        make_plan(make_recipe({"op": "drop_attention", "layers": "all"}), facts)


@pytest.mark.parametrize(
    "changes", [{"num_hidden_groups": 2}, {"inner_group_num": 2}, {"num_hidden_layers": 0}]
)
def test_other_ways_to_share_are_refused(changes: dict[str, int], make_checkpoint) -> None:
    config = json.loads((make_checkpoint("albert") / "config.json").read_text()) | changes
    with pytest.raises(ModelError, match=next(iter(changes))):
        read_facts(config)


@pytest.mark.parametrize("name", SOLVED)
@each_family
def test_a_repair_brings_all_passes_nearer_to_the_base(
    model_type: str, name: str, make_checkpoint, make_recipe, example_inputs
) -> None:
    base = load_checkpoint(make_checkpoint(model_type))
    plan = make_plan(recipe_of(make_recipe, name), base.facts)

    def build() -> Any:
        model = sharing_copy(base.model)
        operate(model, plan)
        return build_slim(replace(base, model=model), plan.record)

    batches = random_texts(*[8] * 8)
    before, after, again = build(), build(), build()
    for model in (after, again):
        repairs = reconstruct(base, model, plan, batches, seed=0, progress=Progress(visible=False))
    held = example_inputs()
    assert distance(base.model, after, held) < 0.7 * distance(base.model, before, held)
    same = zip(after.state_dict().values(), again.state_dict().values(), strict=True)
    assert all(torch.equal(one, other) for one, other in same)
    assert repairs[-1].layer is None


@torch.no_grad()
def distance(one: Any, other: Any, inputs: dict[str, Any]) -> float:
    """Return how far the hidden states behind the last pass are apart."""
    states = next(FinalStates(one, other)(inputs, 0))
    return float((states.base - states.slim).square().mean())


@torch.no_grad()
def test_each_batch_starts_before_some_passes_and_all_are_drawn(tiny_model, example_inputs) -> None:
    model = tiny_model("albert", num_hidden_layers=12)
    hidden = model(**example_inputs(), output_hidden_states=True).hidden_states
    drawn = set()
    for number in range(4):
        starts = list(PassStates(model, model)(example_inputs(), number))
        assert len(starts) == 3
        for start in starts:
            assert start.base is start.slim
            drawn |= {n for n in range(12) if torch.equal(hidden[n], start.base)}
    assert drawn == set(range(12))


@pytest.mark.parametrize("passes", [1, 2, 3, 4, 5, 12, 13, 24])
def test_as_many_passes_fall_to_each_batch_and_each_to_some(passes: int) -> None:
    drawn = [drawn_passes(passes, number) for number in range(4 * passes)]
    assert len({len(each) for each in drawn}) == 1
    assert {number for each in drawn for number in each} == set(range(passes))


def test_processes_start_as_one_does(tiny_model, example_inputs, tmp_path: Path) -> None:
    model = tiny_model("albert", num_hidden_layers=12)
    batches = [Batch(inputs=example_inputs(), rows=(3 * n, 3 * n + 1, 3 * n + 2)) for n in range(5)]

    def opened(ranks: Ranks) -> list[list[torch.Tensor]]:
        room = HiddenStateRoom(tmp_path, 1 << 30)
        starts = PassStates(model, model)
        found = open_calibration(model, batches, room, starts=starts, seed=0, ranks=ranks)
        states = [batch.states.base for batch in found.batches]
        assert len(states) % found.parts == 0
        return [states[n : n + found.parts] for n in range(0, len(states), found.parts)]

    alone, together = opened(Ranks()), [opened(Ranks(rank, 2)) for rank in range(2)]
    for number, expected in enumerate(alone):
        for one, other in zip(together[number % 2][number // 2], expected, strict=True):
            assert torch.equal(one, other)
