"""One pass over the base: scores and token weights against plain references, for each family."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from bertslim.data import outputs
from bertslim.data.outputs import model_inputs
from bertslim.data.task import Batch
from bertslim.errors import ModelError
from bertslim.model.checkpoint import load_checkpoint
from bertslim.model.families import FAMILIES
from bertslim.model.heads import heads_of
from bertslim.model.layer import model_layers
from bertslim.model.slim_modeling import ffn_of, layers_of
from bertslim.progress import Progress
from bertslim.recipe.plan import make_plan
from bertslim.surgery import survey as survey_module
from bertslim.surgery.criteria import OUTPUT_CRITERIA, HeadObs, Ranking
from bertslim.surgery.output_metric import output_metric, symmetric_root
from bertslim.surgery.output_projection import project_outputs
from bertslim.surgery.survey import Survey, survey
from support.checkpoints import checkpoint_of, facts_of
from support.families import LAYERED, each_layered_family, usual_head
from support.residual_sums import reader_of_sum

CLASSIFIER = "SequenceClassification"
CRITERIA = ("activation", "taylor", "fisher", "obs", "kfac_obs")
DROP = {"op": "drop_ffn", "layers": [2]}


def resize(criterion: str, layers: Any = 1, width: int = 24) -> dict[str, Any]:
    return {"op": "resize_ffn", "layers": layers, "width": width, "criterion": criterion}


def prune(criterion: str, layers: Any = 1, heads: int = 2) -> dict[str, Any]:
    return {"op": "prune_heads", "layers": layers, "heads": heads, "criterion": criterion}


@pytest.fixture
def batches(example_inputs) -> list[Batch]:
    """Two batches, one of them padded."""
    inputs = example_inputs()
    first = {name: values[:1] for name, values in inputs.items()}
    return [Batch(inputs=first, rows=(0,)), Batch(inputs=inputs, rows=(1, 2, 3))]


@pytest.fixture
def surveyed(make_recipe, batches) -> Callable[..., Survey]:
    def run(model: Any, *operations: dict[str, Any], facts: Any = None, **options: Any) -> Survey:
        facts = facts or facts_of(model)
        loaded = make_recipe(*operations)
        plan = make_plan(loaded, facts)
        return survey(
            checkpoint_of(model, facts=facts),
            options.pop("batches", batches),
            plan,
            seed=options.pop("seed", 0),
            progress=Progress(visible=False),
            **options,
        )

    return run


def drawn(model: Any, batch: Batch, number: int, count: int, seed: int = 0) -> Tensor:
    """What the survey differentiates."""
    checkpoint = checkpoint_of(model)
    draw = torch.Generator().manual_seed(seed * count + number)
    outputs = model(**model_inputs(batch, checkpoint.facts.head))
    return project_outputs(checkpoint, outputs, batch, draw=draw)


def divisor(sums: Tensor, model_type: str) -> Tensor:
    """Return what a norm divides each token by: the standard deviation, or the RMS."""
    if FAMILIES[model_type].layout.norms_centre:
        return sums.std(dim=-1, correction=0)
    return sums.square().mean(dim=-1).sqrt()


class Seen:
    """What goes into some modules, with gradients, recorded the plain way."""

    def __init__(self, **modules: Any) -> None:
        self.inputs: dict[str, Tensor] = {}
        for name, module in modules.items():
            module.register_forward_pre_hook(lambda _, inputs, name=name: self.see(name, inputs))

    def see(self, name: str, inputs: Any) -> None:
        values = inputs[0][0] if isinstance(inputs[0], tuple) else inputs[0]
        values.retain_grad()
        self.inputs[name] = values


@each_layered_family
def test_criteria_by_output_see_real_tokens_weighted(
    model_type: str, tiny_model, surveyed, batches
) -> None:
    model = tiny_model(model_type, usual_head(model_type)).double()
    found = surveyed(model, resize("activation"), resize("obs", "1-2"), resize("obs", 1, 9))
    assert found.token_weights is None
    assert found.scores.keys() == {
        Ranking("activation", "ffn", 1),
        Ranking("obs", "ffn", 1),
        Ranking("obs", "ffn", 2),
    }
    layer, family = layers_of(model, FAMILIES[model_type])[1], FAMILIES[model_type]
    _, ffn_out = ffn_of(layer, family)
    seen = Seen(neurons=ffn_out, sums=reader_of_sum(model, 1))
    references = {
        "activation": OUTPUT_CRITERIA["activation"](64, 24),
        "obs": OUTPUT_CRITERIA["obs"](64, 9),
    }
    for batch in batches:
        model(**batch.inputs)
        mask = batch.inputs["attention_mask"].bool()
        sums, neurons = (seen.inputs[name].detach()[mask] for name in ("sums", "neurons"))
        variance = divisor(sums, model_type).square()
        for reference in references.values():
            reference.add(neurons, 1 / variance)
    for name, reference in references.items():
        expected = reference.scores(ffn_out.weight.detach())
        torch.testing.assert_close(
            found.scores[Ranking(name, "ffn", 1)], expected, rtol=1e-9, atol=0
        )


@each_layered_family
def test_criteria_by_gradient_are_those_of_plain_autograd(
    model_type: str, tiny_model, surveyed, batches
) -> None:
    model, family = tiny_model(model_type, usual_head(model_type)).double(), FAMILIES[model_type]
    found = surveyed(model, resize("taylor", "all", 30), resize("fisher"))
    layer = layers_of(model, family)[1]
    seen = Seen(neurons=ffn_of(layer, family)[1])
    taylor, fisher = torch.zeros(2, 64, dtype=torch.float64)
    for number, batch in enumerate(batches):
        drawn(model, batch, number, len(batches)).backward()
        neurons = seen.inputs["neurons"]
        changes = (neurons * neurons.grad).detach() * batch.inputs["attention_mask"].unsqueeze(-1)
        taylor += changes.abs().sum(dim=(0, 1))
        fisher += changes.sum(dim=1).square().sum(dim=0)
    assert taylor.min() > 0
    torch.testing.assert_close(found.scores[Ranking("taylor", "ffn", 1)], taylor, rtol=1e-9, atol=0)
    torch.testing.assert_close(found.scores[Ranking("fisher", "ffn", 1)], fisher, rtol=1e-9, atol=0)
    assert {each.layer for each in found.scores if each.criterion == "taylor"} == {0, 1, 2, 3}


@each_layered_family
def test_heads_are_ranked_by_their_context(model_type: str, tiny_model, surveyed, batches) -> None:
    model = tiny_model(model_type, usual_head(model_type)).double()
    found = surveyed(model, prune("fisher", 1, 3), prune("obs", "1-2"), prune("obs", 1, 1))
    assert found.scores.keys() == {
        Ranking("fisher", "attention", 1),
        Ranking("obs", "attention", 1),
        Ranking("obs", "attention", 2),
    }
    output = model_layers(model)[1].attention.output
    seen = Seen(contexts=output, sums=reader_of_sum(model, 1, "attention"))
    obs, fisher = HeadObs(4, 1, 8), torch.zeros(4, dtype=torch.float64)
    for number, batch in enumerate(batches):
        drawn(model, batch, number, len(batches)).backward()
        mask = batch.inputs["attention_mask"]
        contexts, sums = seen.inputs["contexts"], seen.inputs["sums"].detach()
        changes = (contexts * contexts.grad).detach() * mask.unsqueeze(-1)
        fisher += changes.sum(dim=1).view(-1, 4, 8).sum(dim=-1).square().sum(dim=0)
        variance = divisor(sums, model_type).square()
        obs.add(contexts.detach()[mask.bool()], 1 / variance[mask.bool()])
    scores = found.scores[Ranking("obs", "attention", 1)]
    assert sorted(scores.tolist()) == [0, 1, 2, 4]
    assert torch.equal(scores, obs.scores(output.weight.detach()))
    scores = found.scores[Ranking("fisher", "attention", 1)]
    torch.testing.assert_close(scores, fisher, rtol=1e-9, atol=0)


@each_layered_family
def test_token_weights_are_squared_gradients_before_each_norm(
    model_type: str, tiny_model, surveyed, batches
) -> None:
    model, family = tiny_model(model_type, usual_head(model_type)).double(), FAMILIES[model_type]
    found = surveyed(model, DROP, token_weights=True).token_weights
    modules = {
        f"{number}.{place}": reader_of_sum(model, number, block)
        for number in range(len(layers_of(model, family)))
        for place, block in enumerate(("attention", "ffn"))
    }
    seen = Seen(**modules)
    for number, (batch, weights) in enumerate(zip(batches, found, strict=True)):
        drawn(model, batch, number, len(batches)).backward()
        assert weights.dtype == torch.float32
        mask = batch.inputs["attention_mask"]
        assert weights.shape == (4, 2, *mask.shape)
        for name, values in seen.inputs.items():
            layer, place = map(int, name.split("."))
            expected = values.grad.square().sum(dim=-1) * mask
            torch.testing.assert_close(
                weights[layer, place], expected.float(), rtol=1e-5, atol=1e-12
            )


@each_layered_family
def test_gradient_moments_are_those_of_plain_autograd(
    model_type: str, tiny_model, surveyed, batches
) -> None:
    model, family = tiny_model(model_type, usual_head(model_type)).double(), FAMILIES[model_type]
    found = surveyed(model, resize("kfac_obs"), gradient_moments=True)
    places = [(number, place) for number in range(4) for place in range(2)]
    modules = {
        f"{number}.{place}": reader_of_sum(model, number, ("attention", "ffn")[place])
        for number, place in places
    }
    ffn_out = ffn_of(layers_of(model, family)[1], family)[1]
    seen = Seen(neurons=ffn_out, **modules)
    expected = torch.zeros(4, 2, 32, 32, dtype=torch.float64)
    order = OUTPUT_CRITERIA["kfac_obs"](64, 24)
    for number, batch in enumerate(batches):
        drawn(model, batch, number, len(batches)).backward()
        mask = batch.inputs["attention_mask"].bool()
        for layer, place in places:
            for gradient in seen.inputs[f"{layer}.{place}"].grad[mask]:
                expected[layer, place] += torch.outer(gradient, gradient)
        sums = seen.inputs["1.1"].detach()[mask]
        order.add(seen.inputs["neurons"].detach()[mask], 1 / divisor(sums, model_type).square())
    torch.testing.assert_close(found.gradient_moments, expected, rtol=1e-9, atol=1e-18)
    root = symmetric_root(output_metric(expected[1, 1]))
    scores = order.scores(root @ ffn_out.weight.detach())
    torch.testing.assert_close(
        found.scores[Ranking("kfac_obs", "ffn", 1)], scores, rtol=1e-9, atol=0
    )
    alone = surveyed(model, resize("kfac_obs"))
    assert alone.gradient_moments is None
    assert torch.equal(
        alone.scores[Ranking("kfac_obs", "ffn", 1)], found.scores[Ranking("kfac_obs", "ffn", 1)]
    )


def test_moments_of_gradients_are_those_of_a_part_of_the_texts(
    tiny_model, surveyed, batches, monkeypatch
) -> None:
    model, every = tiny_model("bert", CLASSIFIER).double(), 4 * batches
    usual = surveyed(model, resize("fisher"), resize("obs", 2), batches=every)
    monkeypatch.setattr(survey_module, "GRADIENT_TEXTS", 5)
    for operation in (resize("obs", 2), resize("fisher")):
        found = surveyed(model, operation, batches=every, gradient_moments=True)
        for each, scores in found.scores.items():
            assert torch.equal(scores, usual.scores[each])
    alone = surveyed(model, DROP, batches=every, gradient_moments=True).gradient_moments
    beside = surveyed(model, resize("obs"), batches=every, gradient_moments=True).gradient_moments
    seen, expected = Seen(sums=reader_of_sum(model, 3)), torch.zeros(32, 32, dtype=torch.float64)
    for number in (1, 4, 7):
        drawn(model, every[number], number, len(every)).backward()
        gradients = seen.inputs["sums"].grad[every[number].inputs["attention_mask"].bool()]
        expected += gradients.T @ gradients
    for moments in (alone, beside):
        torch.testing.assert_close(moments[3, 1], expected, rtol=1e-9, atol=1e-18)


def test_kfac_obs_looks_at_the_texts_that_are_differentiated(
    tiny_model, surveyed, batches, monkeypatch
) -> None:
    monkeypatch.setattr(survey_module, "GRADIENT_TEXTS", 1)
    model, every = tiny_model("bert", CLASSIFIER).double(), 4 * batches
    alone = surveyed(model, resize("kfac_obs"), batches=every)
    beside = surveyed(model, resize("obs", 2), resize("kfac_obs"), batches=every)
    output = ffn_of(layers_of(model, FAMILIES["bert"])[1], FAMILIES["bert"])[1]
    seen = Seen(neurons=output, sums=reader_of_sum(model, 1))
    order, moments = OUTPUT_CRITERIA["kfac_obs"](64, 24), torch.zeros(32, 32, dtype=torch.float64)
    for number in (1, 4, 7):
        drawn(model, every[number], number, len(every)).backward()
        mask = every[number].inputs["attention_mask"].bool()
        gradients, sums = seen.inputs["sums"].grad[mask], seen.inputs["sums"].detach()[mask]
        moments += gradients.T @ gradients
        variance = divisor(sums, "bert").square()
        order.add(seen.inputs["neurons"].detach()[mask], 1 / variance)
    expected = order.scores(symmetric_root(output_metric(moments)) @ output.weight.detach())
    for found in (alone, beside):
        torch.testing.assert_close(
            found.scores[Ranking("kfac_obs", "ffn", 1)], expected, rtol=1e-9, atol=0
        )


def test_texts_to_differentiate_go_through_the_model_a_few_at_once(
    tiny_model, surveyed, monkeypatch
) -> None:
    model = tiny_model("bert", CLASSIFIER).double()
    usual = surveyed(model, resize("obs"), token_weights=True)
    monkeypatch.setattr(survey_module, "_TOKENS_AT_ONCE", 18)
    sizes: list[int] = []
    handle = model.register_forward_hook(lambda *of: sizes.append(len(of[-1].logits)))
    found = surveyed(model, resize("obs"), token_weights=True)
    handle.remove()
    assert sizes == [1, 2, 1]
    for weights, expected in zip(found.token_weights, usual.token_weights, strict=True):
        torch.testing.assert_close(weights, expected)


@pytest.mark.parametrize(
    ("model_type", "head"),
    [(name, head) for name in LAYERED for head in heads_of(FAMILIES[name])],
)
def test_every_head_can_be_surveyed(model_type: str, head: str, tiny_model, surveyed) -> None:
    model = tiny_model(model_type, head)
    found = surveyed(model, resize("fisher"), resize("obs", 2), token_weights=True)
    assert found.scores[Ranking("fisher", "ffn", 1)].max() > 0
    assert found.scores[Ranking("obs", "ffn", 2)].max() == 64
    for weights, shape in zip(found.token_weights, ((1, 9), (3, 9)), strict=True):
        assert weights.shape == (4, 2, *shape)
        assert (weights[0, 0].sum(dim=-1) > 0).all()
        assert (weights[..., 2:, 5:] == 0).all()


def test_nothing_is_run_where_nothing_is_needed(tiny_model, surveyed) -> None:
    model = tiny_model("bert", CLASSIFIER)
    model.forward = None
    same_width = resize("obs", 0, 64)
    assert surveyed(model, DROP, resize("magnitude"), same_width) == Survey()


def test_the_model_is_left_as_it_was(tiny_model, surveyed) -> None:
    model = tiny_model("bert", CLASSIFIER)
    model.classifier.weight.requires_grad_(False)
    before = {name: (one, one.clone()) for name, one in model.named_parameters()}
    surveyed(model, resize("taylor"), resize("obs"), token_weights=True)
    for name, parameter in model.named_parameters():
        assert parameter is before[name][0]
        assert torch.equal(parameter, before[name][1])
        assert parameter.grad is None
        assert parameter.requires_grad == (name != "classifier.weight")
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_the_seed_settles_what_is_drawn(tiny_model, surveyed) -> None:
    model = tiny_model("bert", CLASSIFIER)
    one, same, other = (
        surveyed(model, resize("fisher"), seed=seed).scores[Ranking("fisher", "ffn", 1)]
        for seed in (3, 3, 1 << 80)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_outputs_that_take_too_much_memory_are_looked_at_in_pieces(
    tiny_model, surveyed, monkeypatch
) -> None:
    model = tiny_model("bert", "MaskedLM")
    usual = surveyed(model, resize("obs"), token_weights=True)
    monkeypatch.setattr(outputs, "OUTPUTS_AT_ONCE", 1)
    found = surveyed(model, resize("obs"), token_weights=True)
    assert torch.equal(
        found.scores[Ranking("obs", "ffn", 1)], usual.scores[Ranking("obs", "ffn", 1)]
    )
    shapes = [weights.shape for weights in found.token_weights]
    assert shapes == [weights.shape for weights in usual.token_weights]
    assert all((weights[0, 0, :, 0] > 0).all() for weights in found.token_weights)


def test_a_slim_base_is_surveyed_too(make_checkpoint, make_recipe, cut, surveyed) -> None:
    recipe = make_recipe(
        {"op": "resize_ffn", "layers": 0, "width": 40, "bypass": 4},
        {"op": "drop_ffn", "layers": 1, "layer_norm": "remove"},
        {"op": "drop_attention", "layers": 2, "layer_norm": "remove"},
        name="odd_base",
        reconstruct={"samples": 1},
    )
    base = load_checkpoint(cut(make_checkpoint("bert", CLASSIFIER), recipe))
    steps = [resize(name, 0) for name in CRITERIA]
    found = surveyed(base.model, *steps, facts=base.facts, token_weights=True)
    assert {values.shape for values in found.scores.values()} == {(40,)}
    assert all((weights[:, :, :, 0] > 0).all() for weights in found.token_weights)


@pytest.mark.parametrize("criterion", CRITERIA)
def test_numbers_that_are_not_finite_name_their_layer(criterion: str, tiny_model, surveyed) -> None:
    model = tiny_model("bert", CLASSIFIER)
    with torch.no_grad():
        layers_of(model, FAMILIES["bert"])[1].intermediate.dense.weight[3, 4] = torch.nan
    with pytest.raises(ModelError, match="layer 1 puts out numbers that are not finite"):
        surveyed(model, resize(criterion))


@pytest.mark.parametrize("wanted", ["token_weights", "gradient_moments"])
def test_gradients_that_are_not_finite_name_their_layer(wanted: str, tiny_model, surveyed) -> None:
    model = tiny_model("bert", CLASSIFIER)
    with torch.no_grad():
        model.classifier.weight[0, 0] = torch.nan
    with pytest.raises(ModelError, match="layer 0 puts out numbers that are not finite"):
        surveyed(model, DROP, **{wanted: True})
