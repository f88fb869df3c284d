"""What the answers lose without an FFN block: against models that are really cut."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest
import torch

from bertslim.data.paired_batches import PairedBatch
from bertslim.data.task import Batch
from bertslim.errors import ModelError
from bertslim.measure.predictions import compare_predictions
from bertslim.model.checkpoint import load_checkpoint
from bertslim.model.families import FAMILIES
from bertslim.model.heads import heads_of
from bertslim.model.layer import model_layers
from bertslim.progress import Progress
from bertslim.surgery.block_damage import block_damage
from support.checkpoints import checkpoint_of

CLASSIFIER = "SequenceClassification"


@pytest.fixture
def batches(example_inputs) -> list[Batch]:
    inputs = example_inputs()
    first = {name: values[:1] for name, values in inputs.items()}
    return [Batch(inputs=inputs, rows=(0, 1, 2)), Batch(inputs=first, rows=(3,))]


def damage(model: Any, batches: list[Batch], facts: Any = None) -> list[float]:
    return block_damage(checkpoint_of(model, facts=facts), batches, Progress(visible=False))


def slow_damage(model: Any, number: int, batches: list[Batch], facts: Any = None) -> float:
    cut = copy.deepcopy(model)
    model_layers(cut)[number].ffn.remove()
    pairs = [PairedBatch(batch, batch) for batch in batches]
    found = compare_predictions(checkpoint_of(model, facts=facts), cut, pairs)
    if found.kl is not None:
        return float(found.kl.mean())
    if found.cosine is not None:
        return 1 - float(found.cosine.mean())
    return 1 - float(np.corrcoef(found.base_outputs.ravel(), found.slim_outputs.ravel())[0, 1])


@pytest.mark.parametrize(
    ("model_type", "head"),
    [(name, head) for name, family in FAMILIES.items() for head in heads_of(family)],
)
def test_it_is_what_a_cut_model_loses(model_type: str, head: str, tiny_model, batches) -> None:
    model = tiny_model(model_type, head).double()
    numbers = range(len(model_layers(model)))
    expected = [slow_damage(model, number, batches) for number in numbers]
    assert min(expected) > 0
    assert damage(model, batches) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("labels", [1, 3])
def test_of_regressors_it_is_the_lost_correlation(labels: int, tiny_model, batches) -> None:
    model = tiny_model("bert", CLASSIFIER, num_labels=labels, problem_type="regression").double()
    expected = [slow_damage(model, number, batches) for number in range(4)]
    assert damage(model, batches) == pytest.approx(expected, rel=1e-6)


def test_the_model_is_left_as_it_was(tiny_model, batches, answer) -> None:
    model = tiny_model("bert", CLASSIFIER)
    layers, before = model_layers(model), answer(model)
    damage(model, batches)
    assert model_layers(model) == layers
    assert torch.equal(answer(model), before)
    hooks = [(module._forward_pre_hooks, module._forward_hooks) for module in model.modules()]
    assert not any(one or other for one, other in hooks)


def test_a_layer_without_a_block_matters_infinitely(make_checkpoint, cut, batches) -> None:
    slim = load_checkpoint(cut(make_checkpoint("bert", CLASSIFIER), "drop_odd"))
    found = damage(slim.model, batches, slim.facts)
    assert [math.isinf(one) for one in found] == [False, True, False, True]


def test_only_one_of_the_layers_that_share_a_block_loses_it(
    make_checkpoint, make_recipe, cut, batches
) -> None:
    sharing = make_recipe({"op": "share_ffn", "layers": [0, 2]}, name="sharing")
    slim = load_checkpoint(cut(make_checkpoint("bert", CLASSIFIER), sharing))
    found = damage(slim.model, batches, slim.facts)
    for number in (0, 2):
        expected = slow_damage(slim.model, number, batches, slim.facts)
        assert found[number] == pytest.approx(expected, rel=1e-4)


def test_outputs_that_are_not_finite_are_refused(tiny_model, batches) -> None:
    model = tiny_model("bert", CLASSIFIER)
    with torch.no_grad():
        model.classifier.bias[0] = torch.nan
    with pytest.raises(ModelError, match="layer 0 puts out numbers that are not finite"):
        damage(model, batches)
